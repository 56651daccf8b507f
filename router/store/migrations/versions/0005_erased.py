"""Whom to leave out, without their names."""

import sqlalchemy as sa
from alembic import op

from router.store.schema import mark_of

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ERASED = sa.table("erased", sa.column("user", sa.Text()))


def upgrade() -> None:
    """A mark in the place of each name."""
    connection = op.get_bind()
    for user in connection.scalars(sa.select(_ERASED.c.user)).all():
        connection.execute(sa.update(_ERASED).where(_ERASED.c.user == user).values(user=mark_of(user)))


def downgrade() -> None:
    """Nothing: no name comes back, and whoever was erased stays so in what is there."""
