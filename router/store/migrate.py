"""Bringing a store's tables up to date, by Alembic; which revision they are of is one row that it keeps.

An empty database gets the newest tables at once, not their history: its scripts, and Alembic with them, are loaded only
for tables that are there and old.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, insert, inspect, select

from router.store.journal import JournalUnusable
from router.store.schema import METADATA

REVISION = "0006"
"""The revision that this version reads and writes: the newest in `migrations/versions`."""

UNVERSIONED = "0001"
"""What a file is whose tables were made before revisions were kept."""

_SCRIPTS = Path(__file__).with_name("migrations")
_VERSIONS = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""As Alembic makes it.

Source: https://github.com/sqlalchemy/alembic/blob/main/alembic/ddl/impl.py, `version_table_impl`, read 2026-11.
"""


def revision_of(connection: Connection) -> str | None:
    """Which revision the tables are of; None where there are none."""
    tables = inspect(connection).get_table_names()
    if _VERSIONS.name in tables:
        return connection.execute(select(_VERSIONS)).scalar_one_or_none()
    return UNVERSIONED if "entries" in tables else None


def upgrade(connection: Connection, name: str, to: str = REVISION) -> None:
    """Make the tables those of a revision, in the transaction of `connection`.

    Raises:
        JournalUnusable: they are of a revision that this version does not know, which a newer one made.
    """
    revision = revision_of(connection)
    if revision is None and to == REVISION:
        _make(connection)
    else:
        _run_scripts(connection, name, revision, to)


def _make(connection: Connection) -> None:
    _VERSIONS.create(connection, checkfirst=True)
    METADATA.create_all(connection, checkfirst=False)
    connection.execute(insert(_VERSIONS).values(version_num=REVISION))


def _run_scripts(connection: Connection, name: str, revision: str | None, to: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise JournalUnusable(f"{name} has schema {revision}, which a newer router made; this one knows {REVISION}")
    if revision == UNVERSIONED and _VERSIONS.name not in inspect(connection).get_table_names():
        command.stamp(config, UNVERSIONED)
    command.upgrade(config, to)
