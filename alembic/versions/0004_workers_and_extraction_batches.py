"""workers, extraction batches

Revision: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

import app.tables.base

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = app.tables.base.UtcDateTime(timezone=True)
    op.create_table(
        "workers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("queues", sa.JSON(), nullable=False),
        sa.Column("steps_version", sa.String(), nullable=False),
        sa.Column("started_at", moment, nullable=False),
        sa.Column("seen_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
    )
    op.create_index(op.f("ix_workers_seen_at"), "workers", ["seen_at"], unique=False)
    op.create_table(
        "extraction_batches",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("asked", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("backend", sa.String(), nullable=False),
        sa.Column("tasks", sa.JSON(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("dataset_id", sa.String(), nullable=True),
        sa.Column("splits", sa.JSON(), nullable=True),
        sa.Column("input_blob", sa.String(), nullable=True),
        sa.Column("input_bytes", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("documents", sa.Integer(), nullable=True),
        sa.Column("succeeded", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("error_message", sa.String(), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("started_at", moment, nullable=True),
        sa.Column("finished_at", moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name=op.f("fk_extraction_batches_dataset_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extraction_batches")),
    )
    op.create_index(
        op.f("ix_extraction_batches_dataset_id"), "extraction_batches", ["dataset_id"], unique=False
    )
    op.create_index(
        op.f("ix_extraction_batches_model"), "extraction_batches", ["model"], unique=False
    )
    op.create_index(
        op.f("ix_extraction_batches_status"), "extraction_batches", ["status"], unique=False
    )
    op.create_table(
        "extraction_batch_events",
        sa.Column("batch_id", sa.String(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["extraction_batches.id"],
            name=op.f("fk_extraction_batch_events_batch_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("batch_id", "sequence", name=op.f("pk_extraction_batch_events")),
    )
    op.create_table(
        "extraction_shards",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("batch_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("documents", sa.Integer(), nullable=False),
        sa.Column("input_blob", sa.String(), nullable=False),
        sa.Column("result_blob", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("succeeded", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("started_at", moment, nullable=True),
        sa.Column("finished_at", moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["extraction_batches.id"],
            name=op.f("fk_extraction_shards_batch_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extraction_shards")),
        sa.UniqueConstraint(
            "batch_id", "position", name=op.f("uq_extraction_shards_batch_id_position")
        ),
    )
    op.create_index(
        op.f("ix_extraction_shards_batch_id_status_position"),
        "extraction_shards",
        ["batch_id", "status", "position"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_table("extraction_shards")
    op.drop_table("extraction_batch_events")
    op.drop_table("extraction_batches")
    op.drop_table("workers")
