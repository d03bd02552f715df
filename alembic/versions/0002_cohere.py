"""evaluation files, times of metrics, what only Cohere's API says

Revision: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

import app.tables.base

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = app.tables.base.UtcDateTime(timezone=True)
    op.create_table(
        "cohere_datasets",
        sa.Column("dataset_id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("keep_fields", sa.JSON(), nullable=False),
        sa.Column("optional_fields", sa.JSON(), nullable=False),
        sa.Column("train_examples", sa.Integer(), nullable=False),
        sa.Column("eval_examples", sa.Integer(), nullable=True),
        sa.Column("deleted_at", moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["datasets.id"],
            name=op.f("fk_cohere_datasets_dataset_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("dataset_id", name=op.f("pk_cohere_datasets")),
    )
    op.create_table(
        "cohere_finetuned_models",
        sa.Column("fine_tune_id", sa.String(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("deleted_at", moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["fine_tune_id"],
            ["fine_tunes.id"],
            name=op.f("fk_cohere_finetuned_models_fine_tune_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("fine_tune_id", name=op.f("pk_cohere_finetuned_models")),
    )
    # Columns without constraints are added in place: a table that is made anew would take the rows
    # that hang on it along.
    op.add_column("fine_tunes", sa.Column("evaluation_file_id", sa.String(), nullable=True))
    op.create_index(
        op.f("ix_fine_tunes_evaluation_file_id"), "fine_tunes", ["evaluation_file_id"], unique=False
    )
    op.add_column("fine_tune_metrics", sa.Column("at", moment, nullable=True))


def downgrade() -> None:
    op.drop_column("fine_tune_metrics", "at")
    op.drop_index(op.f("ix_fine_tunes_evaluation_file_id"), table_name="fine_tunes")
    op.drop_column("fine_tunes", "evaluation_file_id")
    op.drop_table("cohere_finetuned_models")
    op.drop_table("cohere_datasets")
