"""SQLite as the store: one file, made and brought up to date by itself.

The journal is what survives a loss of power, so the file need not wait for the disk with every write: WAL with
synchronous=NORMAL can lose its newest transactions then, and the journal still has them.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import StaticPool

from router.store.journal import JournalError, JournalUnusable
from router.store.migrate import REVISION, revision_of, upgrade
from router.store.sql import SqlStore

APPLICATION_ID = 0x504D4A4E
"""Marks the file as ours ("PMJN"), so that another program's database is never written to."""

BUSY_S = 2.0
"""How long a statement waits for another process that holds the file."""

_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
"""SQLite's names for a file that is not, or no longer, what it should be; more exact names begin with them.

Source: https://www.sqlite.org/rescode.html, read 2026-11.
"""


def sqlite_store(path: Path, *, read_only: bool = False) -> SqlStore:
    """The store in the file `path`, made if need be, as its folder is, for their owner alone.

    Args:
        read_only: look, beside a router that writes; nothing is created or changed.
    """
    return SqlStore(SqliteBackend(path, read_only=read_only))


class SqliteBackend:
    """See `sqlite_store`."""

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self._path = path
        self._read_only = read_only
        self.name = f"the ledger {path}"

    def connect(self) -> Engine:
        """As the Protocol says."""
        if not self._read_only:
            try:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._make()
            except OSError as error:
                raise JournalError(f"{self.name} cannot be written: {error.strerror}") from error
        return create_engine("sqlite://", creator=self._connect, poolclass=StaticPool, hide_parameters=True)

    def settle(self, connection: Connection) -> None:
        """Create what is not there, bring older files up to date; refuse what is not ours or not yet known."""
        marked = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
        used = connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()
        if used and marked != APPLICATION_ID:
            raise JournalUnusable(f"{self.name} is another program's database")
        revision = revision_of(connection)
        if revision == REVISION:
            return
        if self._read_only:
            raise JournalUnusable(f"{self.name} has schema {revision or 'none'}; start the router once to update it")
        # The mark first: a crash in between leaves a file that the next start completes.
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        upgrade(connection, self.name)

    def sweep(self, connection: Connection) -> bool:
        """Write-ahead log into file, and the log emptied, unless somebody reads."""
        busy, _pages, _done = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        return not busy

    def told(self, error: BaseException) -> JournalError:
        """As the Protocol says."""
        if str(getattr(error, "sqlite_errorname", "")).startswith(_DAMAGED):
            return JournalUnusable(f"{self.name} is damaged, or no ledger: {error}")
        return JournalError(f"{self.name} refuses: {error}")

    def _make(self) -> None:
        """A new file is its owner's alone from the first moment, and so are those that SQLite puts beside it, which
        take its mode. One that is there keeps the mode that somebody gave it."""
        with suppress(FileExistsError):
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))

    def _connect(self) -> sqlite3.Connection:
        mode = "ro" if self._read_only else "rwc"
        connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode={mode}", uri=True, timeout=BUSY_S, check_same_thread=False
        )
        if not self._read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            # What is deleted is written over: an erasure that leaves the words in the file's free pages is none.
            connection.execute("PRAGMA secure_delete = ON")
        return connection
