"""The journal in SQLite: what it keeps, what it refuses, and that nothing is kept twice."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from router.canon.cost import CostSource
from router.canon.outcome import End, UsageSource
from router.canon.usage import Usage
from router.errors import Reason
from router.store.journal import EntryRow, JournalError, JournalUnusable, ProviderTotal, total_of
from router.store.schema import ADDED
from router.store.sqlite import SqliteJournal

USAGE = Usage(
    input=100,
    cache_read=900,
    cache_write=7,
    cache_write_1h=8,
    output=40,
    reasoning=11,
    audio_input=3,
    audio_output=4,
    image_input=5,
    image_output=6,
    images=2,
    search_units=1,
    reported_usd="0.00123",
    reported_total=1073,
)


def opened(attempt: str, provider: str = "main") -> EntryRow:
    """An entry as it opens."""
    return EntryRow(
        attempt=attempt, exchange=f"ex-{attempt}", provider=provider, model="large", number=1, opened_at=1000.25
    )


def closed(attempt: str, provider: str = "main", cost_usd: Decimal | None = Decimal("0.00357")) -> EntryRow:
    """The same entry as it closes, without what only its opening knows."""
    return EntryRow(
        attempt=attempt,
        exchange=f"ex-{attempt}",
        provider=provider,
        model="large",
        closed_at=1001.5,
        end=End.COMPLETED,
        usage=USAGE,
        usage_source=UsageSource.FINAL,
        cost_usd=cost_usd,
        cost_source=CostSource.UNPRICED if cost_usd is None else CostSource.PRICED,
        price_id="list large",
        price_date="2026-10-01",
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file in a folder that does not exist yet."""
    return tmp_path / "state dir?" / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[SqliteJournal]:
    """An open journal in a fresh file."""
    journal = SqliteJournal(path)
    journal.open()
    yield journal
    journal.close()


def test_an_entry_comes_back_as_it_was_written(journal: SqliteJournal) -> None:
    """Every field survives, and both halves of an entry meet in one row."""
    journal.append((opened("a"),))
    journal.append((closed("a"),))
    assert journal.entries(10) == (replace(closed("a"), number=1, opened_at=1000.25, seq=1),)


@pytest.mark.parametrize(
    "rows",
    [
        (opened("a"), closed("a"), opened("a"), closed("a")),
        (closed("a"), opened("a"), opened("a")),
        (opened("a"), closed("a"), replace(closed("a"), end=End.CRASHED, cost_usd=Decimal(9), usage=None)),
    ],
    ids=["both halves twice", "opened after closed", "closed differently later"],
)
def test_an_entry_is_closed_once_in_effect(journal: SqliteJournal, rows: tuple[EntryRow, ...]) -> None:
    """Replays, late openings and second closings change nothing, in one batch or over several."""
    expected = (replace(closed("a"), number=1, opened_at=1000.25, seq=1),)
    for row in rows:
        journal.append((row,))
    assert journal.entries(10) == expected
    journal.append(rows)
    assert journal.entries(10) == expected
    assert journal.totals() == (total_of(closed("a")),)


def test_an_unknown_cost_stays_unknown(journal: SqliteJournal) -> None:
    """Null is not 0, for a cost and for a count of tokens."""
    unpriced = closed("a", cost_usd=None)
    uncounted = replace(closed("b", cost_usd=None), usage=None, cost_source=CostSource.UNCOUNTED, end=End.FAILED)
    zero = replace(closed("c", cost_usd=Decimal(0)), usage=Usage())
    journal.append((unpriced, uncounted, zero))
    rows = journal.entries(10)
    assert [(row.cost_usd, row.usage) for row in rows] == [(0, Usage()), (None, None), (None, USAGE)]
    (total,) = journal.totals()
    assert (total.unpriced, total.uncounted, total.entries) == (1, 1, 3)


def test_money_is_summed_without_a_rounding_error(journal: SqliteJournal) -> None:
    """Ten thousand times a dime and a pico-dollar is exactly that; so is a sum beyond 64 bits of pico-dollars."""
    dime = Decimal("0.100000000001")
    journal.append(tuple(closed(f"a{number}", cost_usd=dime) for number in range(10_000)))
    large = Decimal("9000000.000000000001")
    journal.append(tuple(closed(f"b{number}", "large", cost_usd=large) for number in range(3)))
    assert {total.provider: total.cost_usd for total in journal.totals()} == {"main": dime * 10_000, "large": large * 3}


def test_totals_are_those_of_rows_added_one_by_one(journal: SqliteJournal) -> None:
    """The database's sums and the sums in memory agree, so a restart shows the same account."""
    rows = (closed("a"), closed("b", cost_usd=None), closed("c", "spare"), opened("d", "spare"))
    journal.append(rows)
    by_hand: dict[str, ProviderTotal] = {}
    for row in rows[:3]:
        by_hand[row.provider] = by_hand.get(row.provider, ProviderTotal(provider=row.provider)).plus(total_of(row))
    assert journal.totals() == tuple(by_hand.values())


def test_totals_can_begin_at_a_moment(journal: SqliteJournal) -> None:
    """What closed before it is left out."""
    journal.append((closed("a"), replace(closed("b"), closed_at=2000.0)))
    (total,) = journal.totals(since_at=2000.0)
    assert total.entries == 1


def test_entries_are_paged_newest_first(journal: SqliteJournal) -> None:
    """Pages meet without a gap, of all providers or of one."""
    journal.append(tuple(opened(f"a{n}", "even" if n % 2 == 0 else "odd") for n in range(6)))
    first = journal.entries(2)
    assert [row.attempt for row in first] == ["a5", "a4"]
    assert [row.attempt for row in journal.entries(9, before=first[-1].seq)] == ["a3", "a2", "a1", "a0"]
    assert [row.attempt for row in journal.entries(2, "even")] == ["a4", "a2"]


def test_what_was_open_when_the_process_died_is_found(journal: SqliteJournal) -> None:
    """Closing an unfinished entry takes it out of the list."""
    journal.append((opened("a"), opened("b"), closed("b")))
    assert [row.attempt for row in journal.unfinished()] == ["a"]
    journal.append((closed("a"),))
    assert journal.unfinished() == ()


def test_a_batch_is_kept_whole_or_not_at_all(journal: SqliteJournal) -> None:
    """A row that the file cannot hold takes its batch with it, as an error of the journal."""
    beyond = replace(closed("b"), usage=Usage(input=1 << 80))
    with pytest.raises(JournalError, match="cannot hold"):
        journal.append((closed("a"), beyond))
    assert journal.entries(10) == ()


def test_rows_survive_a_process_that_is_killed(path: Path) -> None:
    """What `append` returned for is there, once, after the writer was killed without closing anything."""
    script = (
        "import os, sys, pathlib\n"
        "from router.store.journal import EntryRow\n"
        "from router.store.sqlite import SqliteJournal\n"
        "journal = SqliteJournal(pathlib.Path(sys.argv[1]))\n"
        "journal.open()\n"
        "row = lambda n: EntryRow(attempt=f'a{n}', exchange='x', provider='p', model='m', number=1, opened_at=1.0)\n"
        "[journal.append((row(n), row(n))) for n in range(50)]\n"
        "os.kill(os.getpid(), 9)\n"
    )
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", script, str(path)], cwd=root, check=False).returncode == -9
    journal = SqliteJournal(path)
    journal.open()
    assert [row.attempt for row in journal.unfinished()] == [f"a{n}" for n in range(50)]
    journal.close()


def test_the_file_waits_for_the_disk(journal: SqliteJournal) -> None:
    """A commit that did not reach the disk would be an acknowledgement of nothing."""
    with journal._begin(journal._engine) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2


def test_a_journal_can_be_opened_again(journal: SqliteJournal) -> None:
    """Opening twice and closing twice do nothing more; after a close it opens with what it had."""
    journal.append((opened("a"),))
    journal.open()
    journal.close()
    journal.close()
    with pytest.raises(JournalError, match="not open"):
        journal.entries(1)
    journal.open()
    assert len(journal.entries(10)) == 1


def test_a_second_writer_is_turned_away_until_the_first_leaves(journal: SqliteJournal, path: Path) -> None:
    """It would close the first one's open entries as crashed; a router being replaced makes room in a moment."""
    second = SqliteJournal(path)
    with pytest.raises(JournalError, match=r"journal\.db is being written by another process") as caught:
        second.open()
    assert not isinstance(caught.value, JournalUnusable)
    journal.close()
    second.open()
    second.close()


def test_a_reader_may_look_beside_the_writer(journal: SqliteJournal, path: Path) -> None:
    """It sees what is committed and can change nothing."""
    journal.append((opened("a"),))
    reader = SqliteJournal(path, read_only=True)
    reader.open()
    assert len(reader.entries(10)) == 1
    with pytest.raises(JournalError, match="readonly"):
        reader.append((opened("b"),))
    reader.close()


def _text(path: Path) -> None:
    path.write_text("once upon a time there was a journal " * 100)


def _cut(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + b"\xff" * (len(whole) // 2))


def _newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


def _foreign(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name)")
    connection.close()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(_text, "damaged"), (_cut, "damaged"), (_newer, "version 99"), (_foreign, "another program's")],
    ids=["not a database", "pages overwritten", "newer schema", "another program's database"],
)
def test_an_unusable_file_is_refused_by_name(path: Path, spoil: Callable[[Path], None], words: str) -> None:
    """The error names the file and what is wrong with it, at the latest when it is first read."""
    journal = SqliteJournal(path)
    journal.open()
    journal.append(tuple(closed(f"a{n}") for n in range(500)))
    journal.close()
    spoil(path)
    with pytest.raises(JournalUnusable, match=words) as caught:
        journal.open()
        journal.totals()
    assert "journal.db" in str(caught.value)
    journal.close()


def test_a_folder_that_cannot_be_written_is_an_error_that_may_pass(tmp_path: Path) -> None:
    """A read-only root must not keep a router from starting."""
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be written") as caught:
        SqliteJournal(tmp_path / "file" / "journal.db").open()
    assert not isinstance(caught.value, JournalUnusable)


def test_a_start_that_was_cut_short_is_completed_by_the_next(path: Path) -> None:
    """A file that is marked as ours and has no table yet is not taken for a foreign one."""
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA application_id = {0x504D4A4E}")
    connection.close()
    journal = SqliteJournal(path)
    journal.open()
    journal.append((replace(closed("a"), reason=Reason.CUT_STREAM),))
    assert journal.entries(1)[0].reason is Reason.CUT_STREAM
    journal.close()


def test_a_journal_of_the_first_version_is_renewed(tmp_path: Path) -> None:
    """What is in it stays, reads as having used no pictures, and new entries go beside it."""
    path = tmp_path / "ledger.sqlite"
    journal = SqliteJournal(path)
    journal.open()
    journal.append((opened("old"), closed("old")))
    journal.close()
    with closing(sqlite3.connect(path)) as raw:
        for name in ADDED[2]:
            raw.execute(f"ALTER TABLE entries DROP COLUMN {name}")
        raw.execute("PRAGMA user_version = 1")
        raw.commit()
    reader = SqliteJournal(path, read_only=True)
    with pytest.raises(JournalUnusable, match="earlier version"):
        reader.open()
    journal = SqliteJournal(path)
    journal.open()
    journal.append((opened("new"), closed("new")))
    new, old = journal.entries(10)
    assert (new.usage, old.usage) == (USAGE, replace(USAGE, image_input=0, image_output=0, images=0, search_units=0))
    [total] = journal.totals()
    assert total.input_tokens == USAGE.input_total * 2 - USAGE.image_input
    journal.close()
    reader.open()
    assert len(reader.entries(10)) == 2
    reader.close()
