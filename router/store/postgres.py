"""Postgres as the store, for accounts that have outgrown one file or that several routers share.

Its tables are made by `pointsman ledger migrate`, never by a router that starts: several start at once, and whoever may
change tables is not always whoever may write rows. Needs the extra `postgres`.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from router.store.journal import JournalError, JournalUnusable
from router.store.migrate import REVISION, revision_of, upgrade
from router.store.sql import SqlStore

CONNECT_S = 5
"""How long a connection may take to be made."""

STATEMENT_MS = 10_000
"""How long the database may take over one statement."""

_SCHEMES = ("postgresql", "postgres")
_DRIVER = "postgresql+psycopg"


def postgres_store(url: str) -> SqlStore:
    """The store in the database that `url` names: `postgresql://user:password@host/database`."""
    return SqlStore(PostgresBackend(url))


def engine_of(url: str) -> Engine:
    """An engine of one connection, that finds out by itself when the network has lost it. Raises `JournalError`."""
    scheme, _, rest = url.partition("://")
    if scheme not in _SCHEMES:
        raise JournalUnusable("the ledger's URL must begin with postgresql://")
    try:
        return create_engine(
            f"{_DRIVER}://{rest}",
            poolclass=StaticPool,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={
                "connect_timeout": CONNECT_S,
                "options": f"-c statement_timeout={STATEMENT_MS}",
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 3,
                "tcp_user_timeout": 15_000,
            },
        )
    except ModuleNotFoundError as error:
        raise JournalUnusable("a ledger in Postgres needs the extra: pip install 'pointsman[postgres]'") from error


def migrate_database(url: str) -> None:
    """Make the tables those of this version. Raises `JournalError`."""
    backend = PostgresBackend(url)
    engine = backend.connect()
    try:
        with engine.begin() as connection:
            # Somebody waits for it at a prompt, and a large account takes long to change.
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            upgrade(connection, backend.name)
    except SQLAlchemyError as error:
        raise backend.told(getattr(error, "orig", None) or error) from error
    finally:
        engine.dispose()


class PostgresBackend:
    """See `postgres_store`."""

    def __init__(self, url: str) -> None:
        self._url = url
        # Never the URL itself: it holds a password.
        self.name = f"the ledger at {urlsplit(url).hostname or 'the local socket'}"

    def connect(self) -> Engine:
        """As the Protocol says."""
        return engine_of(self._url)

    def settle(self, connection: Connection) -> None:
        """Look, and say what to do."""
        revision = revision_of(connection)
        if revision != REVISION:
            has = "no tables yet" if revision is None else f"schema {revision}"
            raise JournalUnusable(
                f"{self.name} has {has}, this router needs {REVISION}: run `pointsman ledger migrate`"
            )

    def sweep(self, connection: Connection) -> bool:
        """Its own vacuum does that."""
        return True

    def told(self, error: BaseException) -> JournalError:
        """What Postgres says, on one line; it never repeats a password."""
        return JournalError(f"{self.name} refuses: {' '.join(str(error).split())}")
