"""One table: an entry for each attempt."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_BUCKETS = (
    "input",
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "audio_input",
    "output",
    "reasoning",
    "audio_output",
)


def upgrade() -> None:
    """Make it."""
    op.create_table(
        "entries",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("attempt", sa.Text(), nullable=False, unique=True),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer()),
        sa.Column("opened_at", sa.Double()),
        sa.Column("closed_at", sa.Double()),
        sa.Column("end", sa.Text()),
        sa.Column("reason", sa.Text()),
        *(sa.Column(f"{bucket}_tokens", sa.BigInteger()) for bucket in _BUCKETS),
        sa.Column("reported_usd", sa.Text()),
        sa.Column("reported_total", sa.BigInteger()),
        sa.Column("usage_source", sa.Text()),
        sa.Column("cost_pico_usd", sa.BigInteger()),
        sa.Column("cost_source", sa.Text()),
        sa.Column("price_id", sa.Text()),
        sa.Column("price_date", sa.Text()),
        sqlite_autoincrement=True,
    )
    op.create_index("entries_by_provider", "entries", ["provider", "seq"])
    op.create_index("entries_by_exchange", "entries", ["exchange"])
    is_open = sa.text("closed_at IS NULL")
    op.create_index("entries_open", "entries", ["seq"], sqlite_where=is_open, postgresql_where=is_open)


def downgrade() -> None:
    """Drop it, and all it holds."""
    op.drop_table("entries")
