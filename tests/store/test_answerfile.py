"""Kept answers in a file: bounded, its owner's alone, and never in the way when it breaks."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from router.store.answerfile import ENTRY_BYTES, FORMAT, SqliteAnswers
from router.store.answers import AnswersRefuse, KeptAnswer, Label

ROOM = 1 << 20


def kept(body: bytes = b"{}", at: float = 1000.0) -> KeptAnswer:
    """An answer."""
    return KeptAnswer(body=body, at=at)


def made(path: Path, *keys: str) -> SqliteAnswers:
    """An open file with these answers, each a second younger than the one before it."""
    answers = SqliteAnswers(path)
    answers.open()
    for place, key in enumerate(keys):
        answers.put(key, kept(key.encode() * 100, 1000.0 + place), 0.0, ROOM)
    return answers


def test_what_is_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    """With its bytes and its age; the files are nobody else's."""
    made(tmp_path / "in" / "cache.sqlite", "a", "b").close()
    answers = SqliteAnswers(tmp_path / "in" / "cache.sqlite")
    shelf = answers.open()
    assert (shelf.entries, shelf.size_bytes) == (2, 2 * (100 + ENTRY_BYTES))
    assert answers.get("b", 0.0) == kept(b"b" * 100, 1001.0) and answers.get("c", 0.0) is None
    modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "in").iterdir()}
    assert set(modes.values()) == {0o600} and "cache.sqlite-wal" in modes
    answers.close()


def test_what_is_too_old_is_not_found_and_goes_with_the_next(tmp_path: Path) -> None:
    """At its age limit, by the clock on the wall."""
    answers = made(tmp_path / "c", "a", "b")
    assert answers.get("a", 1000.0) is None and answers.get("b", 1000.0) is not None
    shelf = answers.put("c", kept(at=1005.0), 1000.0, ROOM)
    assert (shelf.entries, shelf.expired, shelf.evicted) == (2, 1, 0)
    assert answers.prune(1005.0).expired == 2 and answers.open().size_bytes == 0
    assert b"a" * 100 not in (tmp_path / "c").read_bytes() + (tmp_path / "c-wal").read_bytes()
    answers.close()


def test_the_file_keeps_within_its_bound(tmp_path: Path) -> None:
    """Within the bound after each; one that is larger by itself is not kept, and the same key is counted once."""
    answers = made(tmp_path / "c", "a", "b", "c")
    room = 3 * (100 + ENTRY_BYTES)
    shelf = answers.put("d", kept(b"d" * 100, 1009.0), 0.0, room)
    assert (shelf.entries, shelf.evicted, shelf.size_bytes) == (3, 1, room)
    assert [answers.get(key, 0.0) is not None for key in "abcd"] == [False, True, True, True]
    assert answers.put("e", kept(b"e" * 4096), 0.0, room).evicted == 0 and answers.get("e", 0.0) is None
    assert answers.put("d", kept(b"new" * 10, 1010.0), 0.0, room).entries == 3
    answers.close()
    assert SqliteAnswers(tmp_path / "c").open().size_bytes == 2 * (100 + ENTRY_BYTES) + 30 + ENTRY_BYTES


def test_the_least_recently_used_make_room(tmp_path: Path) -> None:
    """Being given again counts as use, also over a restart."""
    answers = made(tmp_path / "c", "a", "b", "c")
    assert answers.get("a", 0.0) is not None
    answers.close()
    answers = SqliteAnswers(tmp_path / "c")
    assert answers.get("b", 0.0) is not None
    room = 3 * (100 + ENTRY_BYTES)
    assert answers.put("d", kept(b"d" * 100, 1.0), 0.0, room).evicted == 1
    assert answers.put("e", kept(b"e" * 100, 1.0), 0.0, room).evicted == 1
    assert [answers.get(key, 0.0) is not None for key in "abcde"] == [False, True, False, True, True]
    answers.close()


def test_what_is_asked_again_and_again_is_written_once(tmp_path: Path) -> None:
    """The last one needs no other place, and one that cannot get it is given all the same."""
    answers = made(tmp_path / "c", "a", "b")
    connection = answers._connection
    assert connection is not None
    before = connection.total_changes
    for _ in range(5):
        assert answers.get("a", 0.0) is not None
    assert connection.total_changes == before + 1
    connection.execute("PRAGMA query_only = ON")
    assert answers.get("b", 0.0) is not None
    answers.close()


def test_what_is_meant_goes_and_is_overwritten(tmp_path: Path) -> None:
    """By key, by model or target, by user; the rest stays, and is counted."""
    answers = made(tmp_path / "c")
    labels = {"a": Label(client="team", model="chat", target="one:m", user="u"), "b": Label(model="chat"), "c": Label()}
    for wish, left in (
        (Label(client="team"), "bc"),
        (Label(model="one:m"), "bc"),
        (Label(model="chat"), "c"),
        (Label(model="chat", user="u"), "bc"),
        (Label(), ""),
    ):
        for key, label in labels.items():
            answers.put(key, KeptAnswer(body=key.encode() * 100, at=1.0, label=label), 0.0, ROOM)
        shelf = answers.purge(wish)
        size_bytes = len(left) * (100 + ENTRY_BYTES)
        assert (shelf.purged, shelf.entries, shelf.size_bytes) == (3 - len(left), len(left), size_bytes)
        assert [key for key in labels if answers.get(key, 0.0) is not None] == list(left), wish
    assert b"a" * 100 not in (tmp_path / "c").read_bytes() + (tmp_path / "c-wal").read_bytes()
    answers.close()


def overwritten(path: Path) -> None:
    """All but the head of the file is something else."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xa5" * (size - 100))


def altered(path: Path) -> None:
    """One letter of an answer is another, which SQLite itself cannot see."""
    with path.open("r+b") as file:
        place = file.read().index(b"a" * 100)
        file.seek(place)
        file.write(b"b")


@pytest.mark.parametrize("damage", [overwritten, altered])
def test_a_damaged_file_is_said_once_and_begins_empty(damage: Callable[[Path], None], tmp_path: Path) -> None:
    """Nothing out of it is given out again."""
    path = tmp_path / "c"
    made(path, "a").close()
    damage(path)
    answers = SqliteAnswers(path)
    with pytest.raises(AnswersRefuse, match="damaged"):
        answers.get("a", 0.0)
    assert answers.get("a", 0.0) is None and answers.open().entries == 0
    assert answers.put("a", kept(), 0.0, ROOM).entries == 1
    answers.close()


@pytest.mark.parametrize("version", [0, FORMAT + 1], ids=["half made", "of a later router"])
def test_a_file_of_another_version_begins_empty(version: int, tmp_path: Path) -> None:
    """Whoever can read it is not us; a half made one has no version yet."""
    path = tmp_path / "c"
    made(path, "a").close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    answers = SqliteAnswers(path)
    assert answers.open().entries == 0 and answers.get("a", 0.0) is None
    answers.close()


@pytest.mark.parametrize("whose", ["a text", "a database"])
def test_another_programs_file_is_left_alone(whose: str, tmp_path: Path) -> None:
    """A wrong path costs nobody's data."""
    path = tmp_path / "c"
    if whose == "a text":
        path.write_text("server: {port: 1}\n")
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE theirs (x)")
        connection.close()
    before = path.read_bytes()
    answers = SqliteAnswers(path)
    with pytest.raises(AnswersRefuse, match="another program's"):
        answers.put("a", kept(), 0.0, ROOM)
    assert path.read_bytes() == before


def test_a_full_disk_loses_only_what_did_not_fit(tmp_path: Path) -> None:
    """What was there before is there again, and counted as before."""
    answers = made(tmp_path / "c", "a")
    assert answers._connection is not None
    answers._connection.execute("PRAGMA max_page_count = 8")
    with pytest.raises(AnswersRefuse, match="full"):
        answers.put("b", kept(b"b" * 100_000), 0.0, ROOM)
    assert answers.get("a", 0.0) == kept(b"a" * 100)
    assert answers.open().size_bytes == 100 + ENTRY_BYTES
    answers.close()


def test_a_file_that_another_router_empties_is_refused_and_counted_anew(tmp_path: Path) -> None:
    """Two configurations name one file: that is said, and no lock stays on it."""
    ours = made(tmp_path / "c", *"abcdefgh")
    others = SqliteAnswers(tmp_path / "c")
    others.prune(9999.0)
    with pytest.raises(AnswersRefuse, match="another process"):
        ours.put("i", kept(b"i" * 2000), 0.0, 2000 + ENTRY_BYTES)
    assert others.put("j", kept(), 0.0, ROOM).entries == ours.open().entries == 1
    ours.close()
    others.close()
