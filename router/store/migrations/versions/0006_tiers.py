"""The service tier that an answer was served in: an entry that is rated again needs it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it; of entries that are there nobody knows."""
    op.add_column("entries", sa.Column("tier", sa.Text()))


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("entries") as table:
        table.drop_column("tier")
