"""The journal in one SQLite file.

WAL with synchronous=FULL: each group commit waits for the disk, so what `append` returned for survives a loss of
power, not only of the process. Groups come some 50 ms apart, so that costs about twenty flushes a second, beside the
event loop.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from router.store.journal import EntryRow, JournalError, JournalUnusable, ProviderTotal
from router.store.lock import FileLock
from router.store.schema import (
    ADDED,
    APPLICATION_ID,
    ENTRIES,
    METADATA,
    UPSERT,
    VERSION,
    columns_of,
    row_of,
    total_columns,
    total_from,
)

BUSY_S = 2.0
"""How long a statement waits for another process that holds the file."""

_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
"""SQLite's names for a file that is not, or no longer, what it should be; more exact names begin with them.

Source: https://www.sqlite.org/rescode.html, read 2026-11.
"""


class SqliteJournal:
    """A `Journal` in the file `path`, whose folder is made if need be.

    Args:
        read_only: look, beside a router that writes; nothing is created, locked or changed.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._read_only = read_only
        self._lock = FileLock(path.with_name(path.name + ".lock"))
        self._engine: Engine | None = None

    def open(self) -> None:
        """As the Protocol says. One process writes a file: a second one would close the first one's open entries."""
        if self._engine is not None:
            return
        if not self._read_only:
            self._take_lock()
        engine = create_engine("sqlite://", creator=self._connect, poolclass=StaticPool)
        try:
            with self._begin(engine) as connection:
                self._settle_schema(connection)
        except JournalError:
            engine.dispose()
            self._lock.release()
            raise
        self._engine = engine

    def append(self, rows: tuple[EntryRow, ...]) -> None:
        """One transaction, one flush to disk."""
        if not rows:
            return
        with self._begin(self._engine) as connection:
            connection.execute(UPSERT, [columns_of(row) for row in rows])

    def totals(self, since_at: float | None = None) -> tuple[ProviderTotal, ...]:
        """Summed by SQLite in whole numbers: a million rows take a fraction of a second."""
        closed = ENTRIES.c.closed_at.is_not(None) if since_at is None else ENTRIES.c.closed_at >= since_at
        query = select(*total_columns()).where(closed).group_by(ENTRIES.c.provider).order_by(ENTRIES.c.provider)
        with self._begin(self._engine) as connection:
            return tuple(total_from(found) for found in connection.execute(query).mappings())

    def entries(self, limit: int, provider: str | None = None, before: int | None = None) -> tuple[EntryRow, ...]:
        """By place in the file, so that pages neither overlap nor skip while rows are added."""
        query = select(ENTRIES).order_by(ENTRIES.c.seq.desc()).limit(limit)
        if provider is not None:
            query = query.where(ENTRIES.c.provider == provider)
        if before is not None:
            query = query.where(ENTRIES.c.seq < before)
        with self._begin(self._engine) as connection:
            return tuple(row_of(found) for found in connection.execute(query).mappings())

    def unfinished(self) -> tuple[EntryRow, ...]:
        """As the Protocol says; answered from an index of open entries alone."""
        query = select(ENTRIES).where(ENTRIES.c.closed_at.is_(None)).order_by(ENTRIES.c.seq)
        with self._begin(self._engine) as connection:
            return tuple(row_of(found) for found in connection.execute(query).mappings())

    def close(self) -> None:
        """Folds the write-ahead log back into the file."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None
        self._lock.release()

    def _take_lock(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            taken = self._lock.take()
        except OSError as error:
            raise JournalError(f"the journal {self._path} cannot be written: {error.strerror}") from error
        if not taken:
            words = "is being written by another process; give each router a home or ledger.path of its own"
            raise JournalError(f"the journal {self._path} {words}")

    def _connect(self) -> sqlite3.Connection:
        mode = "ro" if self._read_only else "rwc"
        connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode={mode}", uri=True, timeout=BUSY_S, check_same_thread=False
        )
        if not self._read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _settle_schema(self, connection: Connection) -> None:
        """Create what is not there; refuse what is not ours or not yet known."""
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        marked = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
        used = connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()
        if used and marked != APPLICATION_ID:
            raise JournalUnusable(f"{self._path} is another program's database, not a journal of this router")
        if version > VERSION:
            raise JournalUnusable(
                f"the journal {self._path} has schema version {version}; this router knows none after {VERSION}"
            )
        if version < VERSION and used and self._read_only:
            raise JournalUnusable(f"the journal {self._path} is of an earlier version; starting the router renews it")
        if version < VERSION and not self._read_only:
            # in this order: a crash in between leaves a file that the next start completes
            connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
            METADATA.create_all(connection)
            _add_columns(connection)
            connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def _begin(self, engine: Engine | None) -> Iterator[Connection]:
        """A transaction whose failures speak of the file."""
        if engine is None:
            raise JournalError(f"the journal {self._path} is not open")
        try:
            with engine.begin() as connection:
                yield connection
        except (DBAPIError, sqlite3.Error) as error:
            raise self._told(error.orig if isinstance(error, DBAPIError) else error) from error
        except (OverflowError, UnicodeError) as error:
            raise JournalError(f"the journal {self._path} cannot hold a value: {error}") from error

    def _told(self, error: BaseException | None) -> JournalError:
        if str(getattr(error, "sqlite_errorname", "")).startswith(_DAMAGED):
            return JournalUnusable(f"the journal {self._path} is damaged, or no journal: {error}")
        return JournalError(f"the journal {self._path} refuses: {error}")


def _add_columns(connection: Connection) -> None:
    """What later versions brought to a table of an earlier one; what a crash left half done is completed."""
    there = {row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({ENTRIES.name})")}
    for name in (name for names in ADDED.values() for name in names):
        if name not in there:
            connection.exec_driver_sql(f"ALTER TABLE {ENTRIES.name} ADD COLUMN {name} BIGINT")
