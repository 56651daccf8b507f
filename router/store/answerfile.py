"""Kept answers in one SQLite file. It is a convenience: what is damaged or of another version is emptied, never mended.

Its own are told from other programs' files by the mark in the header, and no other file is ever written to. What an
operator must not lose is not in it, so nothing waits for the disk: a loss of power may damage it, and that is noticed.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from zlib import crc32

from router.store.answers import AnswersRefuse, KeptAnswer, Label, Shelf

APPLICATION_ID = 0x504D4143
"""Marks the file as ours ("PMAC")."""

FORMAT = 2
"""What the file and the answers in it look like; one of any other is emptied."""

ENTRY_BYTES = 512
"""What an answer takes beside its bytes: its key, its label, its row, its places in the indexes. Rounded up."""

BUSY_S = 0.2
"""How long a statement waits for another process that holds the file."""

_MAGIC = b"SQLite format 3\x00"
_HEADER_BYTES = 72
_MARK = slice(68, 72)
"""Where the mark stands in a file's header. Source: https://www.sqlite.org/fileformat2.html 1.3, read 2026-11."""

_SCHEMA = """
CREATE TABLE answers (
    key TEXT PRIMARY KEY, at REAL NOT NULL, used INTEGER NOT NULL, size INTEGER NOT NULL,
    client TEXT NOT NULL, model TEXT NOT NULL, target TEXT NOT NULL, user TEXT NOT NULL,
    crc INTEGER NOT NULL, body BLOB
);
CREATE INDEX answers_by_age ON answers (at, size);
CREATE INDEX answers_by_use ON answers (used);
"""
_SUM = "SELECT count(*), coalesce(sum(size), 0) FROM answers"


class SqliteAnswers:
    """`Answers` in the file `path`, made with its folder and readable by its owner alone. One process uses it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._entries = 0
        self._size_bytes = 0
        self._turn = 0

    def open(self) -> Shelf:
        """As the Protocol says."""
        with self._asked():
            return self._shelf()

    def get(self, key: str, since_at: float) -> KeptAnswer | None:
        """As the Protocol says."""
        with self._asked() as connection:
            found = connection.execute(
                "SELECT at, used, crc, body FROM answers WHERE key = ? AND at > ?", (key, since_at)
            ).fetchone()
            if found is None:
                return None
            at, used, crc, body = found
            if crc32(body) != crc:
                raise _Damaged("an answer in it is not what was written")
            if used != self._turn:
                with suppress(sqlite3.OperationalError):  # a full disk takes its place in the order, not the answer
                    connection.execute("UPDATE answers SET used = ? WHERE key = ?", (self._turn + 1, key))
                    self._turn += 1
            return KeptAnswer(body=body, at=at)

    def put(self, key: str, answer: KeptAnswer, since_at: float, size_bytes: int) -> Shelf:
        """As the Protocol says; all of it or nothing."""
        size = len(answer.body) + ENTRY_BYTES
        if size > size_bytes:
            return self.open()
        with self._asked() as connection:
            connection.execute("BEGIN IMMEDIATE")
            expired = self._forget(connection, "at <= ?", since_at)
            self._forget(connection, "key = ?", key)
            evicted = self._make_room(connection, size_bytes - size)
            label = answer.label
            connection.execute(
                "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(key, answer.at, self._turn + 1, size),
                    *(label.client, label.model, label.target, label.user),
                    *(crc32(answer.body), answer.body),
                ),
            )
            connection.execute("COMMIT")
            self._turn += 1
            self._entries, self._size_bytes = self._entries + 1, self._size_bytes + size
            return self._shelf(expired=expired, evicted=evicted)

    def prune(self, since_at: float) -> Shelf:
        """As the Protocol says."""
        with self._asked() as connection:
            expired = self._forget(connection, "at <= ?", since_at)
            if expired:
                self._overwrite(connection)
            return self._shelf(expired=expired)

    def purge(self, wish: Label) -> Shelf:
        """As the Protocol says."""
        with self._asked() as connection:
            purged = self._forget(
                connection,
                "?1 IN ('', client) AND ?2 IN ('', user) AND ?3 IN ('', model, target)",
                *(wish.client, wish.user, wish.model),
            )
            if purged:
                self._overwrite(connection)
            return self._shelf(purged=purged)

    def close(self) -> None:
        """As the Protocol says."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _shelf(self, **went: int) -> Shelf:
        return Shelf(entries=self._entries, size_bytes=self._size_bytes, **went)

    def _make_room(self, connection: sqlite3.Connection, size_bytes: int) -> int:
        """Let the least recently used go until no more than so much is left."""
        evicted = 0
        while self._size_bytes > size_bytes:
            oldest = connection.execute("SELECT rowid FROM answers ORDER BY used, rowid LIMIT 1").fetchone()
            if oldest is None:
                raise OSError("another process changes it; give each router a `cache.path` of its own")
            evicted += self._forget(connection, "rowid = ?", oldest[0])
        return evicted

    def _forget(self, connection: sqlite3.Connection, which: str, *values: object) -> int:
        count, size = connection.execute(f"{_SUM} WHERE {which}", values).fetchone()
        if count:
            connection.execute(f"DELETE FROM answers WHERE {which}", values)
            self._entries, self._size_bytes = self._entries - count, self._size_bytes - size
        return int(count)

    def _overwrite(self, connection: sqlite3.Connection) -> None:
        """The log beside the file has what was in it until it is begun anew."""
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _asked(self) -> Iterator[sqlite3.Connection]:
        """The open file. Whatever it refuses closes it: what is counted of it is counted anew. Raises
        `AnswersRefuse`."""
        try:
            if self._connection is None:
                self._connection = self._connected()
            yield self._connection
        except (sqlite3.Error, OSError, _Damaged) as error:
            self.close()
            if _is_damage(error):
                with suppress(OSError):  # then it is still damaged the next time
                    self._remove()
                raise AnswersRefuse(f"the cache {self._path} is damaged and begins empty: {error}") from error
            raise AnswersRefuse(f"the cache {self._path} refuses: {error}") from error

    def _connected(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        header = self._header()
        if header and not (header.startswith(_MAGIC) and header[_MARK] == APPLICATION_ID.to_bytes(4, "big")):
            raise OSError("it is another program's file, or no longer one of ours; move it away")
        connection = self._connection = sqlite3.connect(
            self._path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
        )
        if header and connection.execute("PRAGMA user_version").fetchone() != (FORMAT,):
            self.close()
            self._remove()
            return self._connected()
        if not header:
            connection.execute("PRAGMA auto_vacuum = FULL")  # what was deleted is given back to the disk
            # The mark first, and into the file itself: what a crash leaves half made is emptied by the next start.
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA secure_delete = ON")  # what somebody was told is gone when it has gone
        if not header:
            connection.executescript(_SCHEMA)
            connection.execute(f"PRAGMA user_version = {FORMAT}")
        self._entries, self._size_bytes = connection.execute(_SUM).fetchone()
        self._turn = connection.execute("SELECT coalesce(max(used), 0) FROM answers").fetchone()[0]
        return connection

    def _header(self) -> bytes:
        """How the file begins, b"" for a new one. It is its owner's alone from the first moment, and so are the files
        that SQLite puts beside it, which take its mode."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            header = os.read(file, _HEADER_BYTES)
            if not header or header.startswith(_MAGIC):
                self._path.chmod(0o600)
            return header
        finally:
            os.close(file)

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)


class _Damaged(Exception):
    """What was read is not what was written."""


def _is_damage(error: Exception) -> bool:
    """Whether the file is no longer what it should be.

    Source: https://www.sqlite.org/rescode.html, read 2026-11: names of more exact codes begin with these.
    """
    name = str(getattr(error, "sqlite_errorname", ""))
    return isinstance(error, _Damaged) or name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))
