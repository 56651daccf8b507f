"""Bringing a store's tables up to date, by Alembic; which revision they are of is one row that it keeps.

Alembic is imported only when something is to be done: a start whose tables are right does not wait for it.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from router.store.journal import JournalUnusable

REVISION = "0005"
"""The revision that this version reads and writes: the newest in `migrations/versions`."""

UNVERSIONED = "0001"
"""What a file is whose tables were made before revisions were kept."""

_SCRIPTS = Path(__file__).with_name("migrations")
_TABLE = "alembic_version"


def revision_of(connection: Connection) -> str | None:
    """Which revision the tables are of; None where there are none."""
    tables = inspect(connection).get_table_names()
    if _TABLE in tables:
        return connection.execute(text(f"SELECT version_num FROM {_TABLE}")).scalar_one_or_none()
    return UNVERSIONED if "entries" in tables else None


def upgrade(connection: Connection, name: str, to: str = REVISION) -> None:
    """Make the tables those of a revision, in the transaction of `connection`.

    Raises:
        JournalUnusable: they are of a revision that this version does not know, which a newer one made.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    revision = revision_of(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise JournalUnusable(f"{name} has schema {revision}, which a newer router made; this one knows {REVISION}")
    if revision == UNVERSIONED and _TABLE not in inspect(connection).get_table_names():
        command.stamp(config, UNVERSIONED)
    command.upgrade(config, to)
