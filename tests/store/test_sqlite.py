"""The store in a SQLite file: how it is made, brought up to date, and refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from router.canon.cost import USD_STEP
from router.errors import Reason
from router.store.journal import JournalError, JournalUnusable, Query, Store
from router.store.sqlite import APPLICATION_ID, sqlite_store
from tests.fakes.entries import closed, opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file in a folder that does not exist yet."""
    return tmp_path / "state dir?" / "journal.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """An open store in a fresh file."""
    store = sqlite_store(path)
    store.open()
    yield store
    store.close()


def test_a_store_can_be_opened_again(store: Store) -> None:
    """Opening twice and closing twice do nothing more; after a close it opens with what it had."""
    store.put((opened("a"),))
    store.open()
    store.close()
    store.close()
    with pytest.raises(JournalError, match="not open"):
        store.entries(Query())
    store.open()
    assert len(store.entries(Query())) == 1


def test_a_new_file_is_its_owners_alone(store: Store, path: Path) -> None:
    """As is its folder, and what SQLite puts beside it; the mode of a file that is there is the operator's."""
    store.put((opened("a"),))
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700
    store.close()
    path.chmod(0o640)
    store.open()
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_file_of_the_first_version_is_brought_up_to_date(path: Path) -> None:
    """What it holds stays; its open entries are this router's, since no other wrote files then."""
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.executescript(FIRST)
        connection.execute(
            "INSERT INTO entries (attempt, exchange, provider, model, number, opened_at) VALUES ('a','x','p','m',1,2.0)"
        )
        costs = ((7, "priced"), (8, "reported"), (None, "unpriced"))
        connection.executemany(
            "INSERT INTO entries (attempt, exchange, provider, model, closed_at, cost_pico_usd, cost_source)"
            " VALUES (?2,'x','p','m',3.0,?1,?2)",
            costs,
        )
    connection.close()
    with pytest.raises(JournalUnusable, match="0001"):
        sqlite_store(path, read_only=True).open()
    store = sqlite_store(path)
    store.open()
    assert [row.attempt for row in store.unfinished("here")] == ["a"]
    (total,) = store.totals()
    assert [amount and amount / USD_STEP for amount in (total.cost_usd, total.priced_usd, total.reported_usd)] == [
        15,
        7,
        8,
    ]
    store.put((opened("b", user="ann"),))
    assert store.entries(Query())[0].user == "ann"
    store.close()
    reader = sqlite_store(path, read_only=True)
    reader.open()
    assert len(reader.entries(Query())) == 5
    reader.close()


def test_a_reader_may_look_beside_the_writer(store: Store, path: Path) -> None:
    """It sees what is committed and can change nothing."""
    store.put((opened("a"),))
    reader = sqlite_store(path, read_only=True)
    reader.open()
    assert len(reader.entries(Query())) == 1
    with pytest.raises(JournalError, match="readonly"):
        reader.put((opened("b"),))
    reader.close()


def _text(path: Path) -> None:
    path.write_text("once upon a time there was a journal " * 100)


def _cut(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + b"\xff" * (len(whole) // 2))


def _newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()


def _foreign(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name)")
    connection.close()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(_text, "damaged"), (_cut, "damaged"), (_newer, "schema 9999"), (_foreign, "another program's")],
    ids=["not a database", "pages overwritten", "newer schema", "another program's database"],
)
def test_an_unusable_file_is_refused_by_name(path: Path, spoil: Callable[[Path], None], words: str) -> None:
    """The error names the file and what is wrong with it, at the latest when it is first read."""
    store = sqlite_store(path)
    store.open()
    store.put(tuple(closed(f"a{n}") for n in range(500)))
    store.close()
    spoil(path)
    with pytest.raises(JournalUnusable, match=words) as caught:
        store.open()
        store.totals()
    assert "journal.db" in str(caught.value)
    store.close()


def test_a_folder_that_cannot_be_written_is_an_error_that_may_pass(tmp_path: Path) -> None:
    """A read-only root must not keep a router from starting."""
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be written") as caught:
        sqlite_store(tmp_path / "file" / "store.db").open()
    assert not isinstance(caught.value, JournalUnusable)


def test_a_start_that_was_cut_short_is_completed_by_the_next(path: Path) -> None:
    """A file that is marked as ours and has no table yet is not taken for a foreign one."""
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.close()
    store = sqlite_store(path)
    store.open()
    store.put((replace(closed("a"), reason=Reason.CUT_STREAM),))
    assert store.entries(Query())[0].reason is Reason.CUT_STREAM
    store.close()


def test_the_name_of_an_erased_user_is_nowhere_in_the_file(path: Path) -> None:
    """Not even where it says whom to leave out."""
    store = sqlite_store(path)
    store.open()
    store.put((opened("a", user="erika-mustermann"), closed("a")))
    reader = sqlite_store(path, read_only=True)
    reader.open()
    with sqlite3.connect(path) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM entries").fetchone()
        assert store.erase("erika-mustermann", now_at=1500.0).entries == 1
        assert store.sweep() is False  # the log has what somebody may still read
        other.rollback()
    assert store.sweep() is True
    assert not [file for file in path.parent.iterdir() if b"mustermann" in file.read_bytes()]
    reader.close()
    store.close()


FIRST = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = 1;
CREATE TABLE entries (
  seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, attempt TEXT NOT NULL UNIQUE, exchange TEXT NOT NULL,
  provider TEXT NOT NULL, model TEXT NOT NULL, number INTEGER, opened_at FLOAT, closed_at FLOAT, "end" TEXT,
  reason TEXT,
  input_tokens BIGINT, cache_read_tokens BIGINT, cache_write_tokens BIGINT, cache_write_1h_tokens BIGINT,
  audio_input_tokens BIGINT, output_tokens BIGINT, reasoning_tokens BIGINT, audio_output_tokens BIGINT,
  reported_usd TEXT, reported_total BIGINT, usage_source TEXT, cost_pico_usd BIGINT, cost_source TEXT, price_id TEXT,
  price_date TEXT
);
CREATE INDEX entries_by_provider ON entries (provider, seq);
CREATE INDEX entries_by_exchange ON entries (exchange);
CREATE INDEX entries_open ON entries (seq) WHERE closed_at IS NULL;
"""
"""A file as the first version made it."""
