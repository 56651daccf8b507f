"""Bringing tables up to date: what Alembic makes is what the code reads and writes, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, select, text

from router.store.journal import JournalError, JournalUnusable, Query
from router.store.migrate import REVISION, revision_of, upgrade
from router.store.postgres import engine_of, postgres_store
from router.store.schema import ERASED, METADATA, mark_of
from tests.fakes.entries import opened
from tests.fakes.postgres import Database

pytestmark = pytest.mark.timeout(60)

SCRIPTS = Path(__file__).resolve().parents[2] / "router" / "store" / "migrations"


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database."""
    if request.param == "sqlite":
        engine = create_engine(f"sqlite:///{tmp_path / 'x.db'}")
    else:
        engine = engine_of(request.getfixturevalue("database").url)
    yield engine
    engine.dispose()


def test_the_newest_script_is_the_one_that_is_needed() -> None:
    """A script without its number in the code would never run."""
    assert ScriptDirectory(str(SCRIPTS)).get_current_head() == REVISION


@pytest.mark.parametrize("first", [REVISION, "0001"], ids=["an empty database", "an old one"])
def test_either_way_makes_the_tables_of_the_schema(engine: Engine, first: str) -> None:
    """No table, column or index more or less; and once more does nothing."""
    with engine.begin() as connection:
        assert revision_of(connection) is None
        upgrade(connection, "it", first)
        assert revision_of(connection) == first
        upgrade(connection, "it")
        upgrade(connection, "it")
        assert revision_of(connection) == REVISION
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_an_empty_database_gets_what_the_scripts_would_have_made(tmp_path: Path) -> None:
    """Each null, each constraint's name and each index's condition, the table of versions too; not the
    order of columns."""
    made, grown = (create_engine(f"sqlite:///{tmp_path / name}.db") for name in ("made", "grown"))
    with made.begin() as connection:
        upgrade(connection, "it")
    with grown.begin() as connection:
        upgrade(connection, "it", "0001")
        upgrade(connection, "it")
    assert shape_of(made) == shape_of(grown)
    made.dispose()
    grown.dispose()


def shape_of(engine: Engine) -> dict[str, list[str]]:
    """Of every table and index what it was made of, sorted."""
    with engine.connect() as connection:
        listed = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").all()
        return {
            name: sorted(line.strip(" \t,)") for line in sql.replace(", ", ",\n").splitlines() if line.strip(" \t,)"))
            for name, sql in listed
        }


def test_a_router_makes_no_tables_in_postgres(database: Database) -> None:
    """It says what to do; after that it serves."""
    store = postgres_store(database.url)
    with pytest.raises(JournalUnusable, match="run `pointsman ledger migrate`"):
        store.open()
    database.migrate()
    store.open()
    store.put((opened("a"),))
    assert len(store.entries(Query())) == 1
    store.close()


def test_a_database_that_is_not_there_may_come(tmp_path: Path) -> None:
    """Scenario 89: an error that may pass, without the password."""
    store = postgres_store(f"postgresql://someone:canary@/x?host={tmp_path}")
    with pytest.raises(JournalError, match="refuses") as caught:
        store.open()
    assert not isinstance(caught.value, JournalUnusable)
    assert "canary" not in str(caught.value)


def test_another_scheme_is_refused_in_words() -> None:
    """Before anything is tried."""
    with pytest.raises(JournalUnusable, match="postgresql://"):
        postgres_store("mysql://x").open()


def test_names_of_erased_users_become_marks(engine: Engine) -> None:
    """Who was erased by an older version stays erased, and is no longer named."""
    with engine.begin() as connection:
        upgrade(connection, "it", "0004")
        connection.execute(text("INSERT INTO erased VALUES ('ann', 1500.0)"))
        upgrade(connection, "it")
        assert connection.execute(select(ERASED)).all() == [(mark_of("ann"), 1500.0)]
