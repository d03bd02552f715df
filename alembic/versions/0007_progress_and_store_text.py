"""how far reading and building are; batches that keep no text

Revision: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_WITH_PROGRESS = ("datasets", "training_files", "vocabularies")


# Not in a batch: for some of these SQLite would copy the table and drop it, its children with it.


def upgrade() -> None:
    for table in _WITH_PROGRESS:
        progress = sa.Column("progress", sa.Double(), server_default="0", nullable=False)
        op.add_column(table, progress)
    store_text = sa.Column("store_text", sa.Boolean(), server_default=sa.true(), nullable=False)
    op.add_column("extraction_batches", store_text)


def downgrade() -> None:
    op.drop_column("extraction_batches", "store_text")
    for table in _WITH_PROGRESS:
        op.drop_column(table, "progress")
