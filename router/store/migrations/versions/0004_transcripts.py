"""What exchanges were asked and answered, for keys that ask for it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TEXTS = ("key", "owner", "user", "model", "end", "asked", "said")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "transcripts",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("exchange", sa.Text(), nullable=False, unique=True),
        sa.Column("at", sa.Double(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in _TEXTS),
        sqlite_autoincrement=True,
    )
    op.create_index("transcripts_by_time", "transcripts", ["at"])
    op.create_index("transcripts_by_user", "transcripts", ["user"])
    op.create_index("transcripts_by_key", "transcripts", ["key", "seq"])


def downgrade() -> None:
    """Drop it, and all it holds."""
    op.drop_table("transcripts")
