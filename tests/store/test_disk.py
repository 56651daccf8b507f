"""The journal on disk: what it took it keeps, whatever ends the process, and nothing else comes back."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from router.store.disk import DiskJournal
from router.store.journal import EntryRow, JournalError, JournalMisfit, JournalUnusable, Mark, Record
from router.store.segment import decode_records, encode_record
from tests.fakes.entries import acts, closed, opened, transcribed

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that does not exist yet."""
    return tmp_path / "state dir?" / "journal"


@pytest.fixture
def journal(folder: Path) -> Iterator[DiskJournal]:
    """An open journal in a fresh folder."""
    journal = DiskJournal(folder)
    journal.open()
    yield journal
    journal.close()


def everything(journal: DiskJournal) -> tuple[Record, ...]:
    """All that was not carried."""
    return journal.backlog(100_000).records


def test_the_folder_is_its_owners_alone(journal: DiskJournal, folder: Path) -> None:
    """And so is every file with records in it."""
    journal.append((opened("a"),))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.glob("*.log")} == {0o600}


def test_what_was_carried_is_gone_after_a_renewal(journal: DiskJournal, folder: Path) -> None:
    """Words of a transcript as well; as long as something waits, nothing goes."""
    words = transcribed("a", asked="a canary")
    journal.append((words, opened("b")))
    half = journal.backlog(1)
    assert half.records == (words,)

    def found() -> bool:
        return any(b"a canary" in file.read_bytes() for file in folder.glob("*.log"))

    journal.carried(half.mark)
    journal.renew()
    assert found() and journal.backlog(9).records == (opened("b"),)
    journal.carried(journal.backlog(9).mark)
    journal.renew()
    assert not found() and journal.backlog(9).records == ()
    journal.append((opened("c"),))
    assert journal.backlog(9).records == (opened("c"),)


def test_records_come_back_in_order_until_they_are_carried(journal: DiskJournal) -> None:
    """In pieces of any size; what was carried does not come again."""
    rows = tuple(opened(f"a{n}") for n in range(5))
    journal.append(rows[:2])
    journal.append(rows[2:])
    assert journal.backlog(3).records == rows[:3]
    first = journal.backlog(3)
    journal.carried(first.mark)
    assert journal.backlog(3).records == rows[3:]
    journal.carried(journal.backlog(3).mark)
    assert journal.backlog(3).records == ()
    journal.carried(first.mark)
    assert journal.backlog(3).records == ()


@pytest.mark.parametrize("asked", ["long" * 2**18, "half of a pair: \ud800"], ids=["long", "no_bytes"])
def test_what_could_not_be_read_again_is_not_taken(journal: DiskJournal, asked: str) -> None:
    """Nor is anything beside it: behind such a record everything would be as good as gone."""
    with pytest.raises(JournalMisfit):
        journal.append((opened("a"), transcribed("b", asked=asked)))
    journal.append((opened("c"),))
    assert everything(journal) == (opened("c"),)


def test_a_restart_begins_where_the_store_may_not_be(folder: Path) -> None:
    """What was not carried comes again, before the place where the new process begins; who wrote it does not change."""
    journal = DiskJournal(folder)
    first = journal.open()
    journal.append((opened("a"),))
    journal.close()
    second = journal.open()
    journal.append((opened("b"),))
    assert second.writer == first.writer
    assert journal.backlog(9, until=second.start).records == (opened("a"),)
    assert everything(journal) == (opened("a"), opened("b"))
    journal.close()


def test_a_clean_end_leaves_nothing_to_carry(folder: Path) -> None:
    """One small file with what the journal knows of itself."""
    journal = DiskJournal(folder)
    journal.open()
    journal.append(acts(2))
    journal.carried(journal.backlog(9).mark)
    journal.close()
    assert [file.name for file in folder.glob("*.log")] == ["00000002.log"]
    head = journal.open()
    assert (head.number, head.digest) == (2, acts(2)[-1].digest)
    assert everything(journal) == ()
    journal.close()


def test_full_files_go_when_they_are_carried(folder: Path) -> None:
    """A store that refuses costs disk; one that is back gives it free."""
    journal = DiskJournal(folder, segment_bytes=1000)
    journal.open()
    rows = tuple(opened(f"a{n}") for n in range(50))
    for row in rows:
        journal.append((row,))
    assert len(list(folder.glob("*.log"))) > 5
    assert everything(journal) == rows
    journal.carried(journal.backlog(100).mark)
    assert len(list(folder.glob("*.log"))) == 1
    journal.close()


@pytest.mark.parametrize("cut", [1, 8, 9, 40], ids=["a byte", "a length", "a prefix", "most of it"])
def test_a_torn_tail_is_cut_off_and_told(folder: Path, cut: int) -> None:
    """Whole records before it stay, and what comes later stands right behind them."""
    journal = DiskJournal(folder)
    journal.open()
    journal.append((opened("a"),))
    journal.close()
    file = max(folder.glob("*.log"))
    record = encode_record(opened("torn"))
    with file.open("ab") as stream:
        stream.write(record[:cut])
    head = journal.open()
    assert head.torn_bytes == cut
    journal.append((opened("b"),))
    journal.close()
    assert journal.open().torn_bytes == 0
    assert everything(journal) == (opened("a"), opened("b"))
    journal.close()


def test_damage_before_the_end_is_not_passed_over(folder: Path) -> None:
    """Only a crash tears, and only the end: anything else is an operator's to look at."""
    journal = DiskJournal(folder, segment_bytes=1)
    journal.open()
    journal.append((opened("a"),))
    journal.append((opened("b"),))
    journal.close()
    first = min(folder.glob("*.log"))
    spoilt = bytearray(first.read_bytes())
    spoilt[-3] ^= 0xFF
    first.write_bytes(spoilt)
    with pytest.raises(JournalUnusable, match=r"00000001\.log is damaged at byte"):
        journal.open()


def test_a_second_writer_is_turned_away_until_the_first_leaves(folder: Path, journal: DiskJournal) -> None:
    """Two would write over each other."""
    second = DiskJournal(folder)
    with pytest.raises(JournalUnusable, match="being written by another router"):
        second.open()
    journal.close()
    second.open()
    second.close()


def test_a_folder_that_cannot_be_written_is_an_error_that_may_pass(tmp_path: Path) -> None:
    """A read-only root must not keep a router from starting."""
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="refuses") as caught:
        DiskJournal(tmp_path / "file" / "journal").open()
    assert not isinstance(caught.value, JournalUnusable)


def test_acknowledged_records_survive_a_kill(folder: Path) -> None:
    """What `append` returned for is there, once, after the writer was killed without closing anything."""
    script = (
        "import os, sys, pathlib\n"
        "from router.store.disk import DiskJournal\n"
        "from tests.fakes.entries import opened\n"
        "journal = DiskJournal(pathlib.Path(sys.argv[1]))\n"
        "journal.open()\n"
        "[journal.append((opened(f'a{n}'),)) for n in range(50)]\n"
        "os.kill(os.getpid(), 9)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(folder)], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL
    journal = DiskJournal(folder)
    journal.open()
    assert everything(journal) == tuple(opened(f"a{n}") for n in range(50))
    journal.close()


def test_a_disk_that_is_full_refuses_and_keeps_what_it_has(folder: Path) -> None:
    """A real limit on the size of files: the write fails in the middle, and later ones stand right behind the last
    that did not."""
    script = (
        "import resource, signal, sys, pathlib\n"
        "from router.store.disk import DiskJournal\n"
        "from router.store.journal import JournalError\n"
        "from tests.fakes.entries import opened\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "journal = DiskJournal(pathlib.Path(sys.argv[1]))\n"
        "journal.open()\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))\n"
        "kept = 0\n"
        "try:\n"
        "    while True:\n"
        "        journal.append((opened(f'a{kept}'),))\n"
        "        kept += 1\n"
        "except JournalError as error:\n"
        "    assert 'too large' in str(error), error\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "journal.append((opened('after'),))\n"
        "journal.close()\n"
        "print(kept)\n"
    )
    said = subprocess.run([sys.executable, "-c", script, str(folder)], cwd=ROOT, check=True, capture_output=True)
    kept = int(said.stdout)
    journal = DiskJournal(folder)
    assert journal.open().torn_bytes == 0
    assert everything(journal) == (*(opened(f"a{n}") for n in range(kept)), opened("after"))
    assert kept > 3
    journal.close()
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_every_write_waits_for_the_disk(journal: DiskJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    """An acknowledgement before that would be one of nothing."""
    flushed: list[int] = []
    monkeypatch.setattr(os, "fdatasync", flushed.append)
    journal.append((opened("a"),))
    assert len(flushed) == 1


@settings(max_examples=50, deadline=None)
@given(st.integers(min_value=0, max_value=2000), st.integers(min_value=0, max_value=255))
def test_a_changed_byte_never_becomes_a_record(place: int, value: int) -> None:
    """Whatever is read from a spoilt file is a prefix of what was written."""
    rows: tuple[Record, ...] = (opened("a"), closed("a"), *acts(2))
    block = bytearray(b"".join(encode_record(row) for row in rows))
    block[place % len(block)] = value
    found = tuple(placed.record for placed in decode_records(bytes(block)))
    assert found == rows[: len(found)]


def test_a_record_of_a_later_version_is_passed_over(journal: DiskJournal, folder: Path) -> None:
    """Fields that are not known are ignored, kinds that are not known skipped: neither is damage."""
    known = encode_record(opened("a"))
    assert [placed.record for placed in decode_records(known)] == [opened("a")]
    from zlib import crc32

    stranger = b"Z"
    payload = b"\x80"
    unknown = len(payload).to_bytes(4, "little") + crc32(payload, crc32(stranger)).to_bytes(4, "little") + stranger
    found = [placed.record for placed in decode_records(unknown + payload + known)]
    assert found == [None, opened("a")]


def test_marks_are_in_order() -> None:
    """Later files are after all of earlier ones."""
    assert Mark(segment=1, offset_bytes=900) < Mark(segment=2, offset_bytes=0)
    assert isinstance(replace(opened("a"), number=2), EntryRow)
