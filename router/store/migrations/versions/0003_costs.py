"""Beside the cost that counts, the cost by price and the cost that the provider reported."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SOURCES = ("priced", "reported")


def upgrade() -> None:
    """Add them; of an entry that is there, the one that counted is known."""
    for source in _SOURCES:
        op.add_column("entries", sa.Column(f"{source}_pico_usd", sa.BigInteger()))
        op.execute(f"UPDATE entries SET {source}_pico_usd = cost_pico_usd WHERE cost_source = '{source}'")


def downgrade() -> None:
    """Drop them; the one that counted stays."""
    with op.batch_alter_table("entries") as table:
        for source in _SOURCES:
            table.drop_column(f"{source}_pico_usd")
