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


def upgrade() -> None:
    for table in _WITH_PROGRESS:
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column("progress", sa.Double(), server_default="0", nullable=False))
    with op.batch_alter_table("extraction_batches") as batch:
        batch.add_column(
            sa.Column("store_text", sa.Boolean(), server_default=sa.true(), nullable=False)
        )


def downgrade() -> None:
    with op.batch_alter_table("extraction_batches") as batch:
        batch.drop_column("store_text")
    for table in _WITH_PROGRESS:
        with op.batch_alter_table(table) as batch:
            batch.drop_column("progress")
