"""Who asked for an entry, further counts of what it used; acts in a chain; users who were erased."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_COUNTS = (
    "image_input_tokens",
    "image_output_tokens",
    "images",
    "search_units",
    "billed_input_tokens",
    "billed_output_tokens",
)
_NAMES = ("key", "owner", "user", "group", "operation", "credential", "writer")
_INDICES = (
    ("entries_by_user", ["user"]),
    ("entries_by_key", ["key", "closed_at"]),
    ("entries_by_end", ["closed_at"]),
)


def upgrade() -> None:
    """Add them."""
    for count in _COUNTS:
        op.add_column("entries", sa.Column(count, sa.BigInteger()))
    for name in _NAMES:
        op.add_column("entries", sa.Column(name, sa.Text()))
    for name, columns in _INDICES:
        op.create_index(name, "entries", columns)
    op.create_table(
        "acts",
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("actor", "act", "subject", "outcome", "detail")),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("chain", "number"),
    )
    op.create_index("acts_by_time", "acts", ["at"])
    op.create_table(
        "erased",
        sa.Column("user", sa.Text(), primary_key=True),
        sa.Column("until_at", sa.Double(), nullable=False),
    )


def downgrade() -> None:
    """Drop them, and all they hold."""
    op.drop_table("erased")
    op.drop_table("acts")
    for name, _columns in _INDICES:
        op.drop_index(name, "entries")
    with op.batch_alter_table("entries") as table:
        for column in (*_NAMES, *_COUNTS):
            table.drop_column(column)
