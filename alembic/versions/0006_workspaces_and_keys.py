"""workspaces, keys, console sessions, the audit log

Revision: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

import app.tables.base

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_OWNED = (
    "cohere_datasets",
    "cohere_finetuned_models",
    "dataset_files",
    "dataset_splits",
    "datasets",
    "evaluation_results",
    "evaluations",
    "extraction_batch_events",
    "extraction_batches",
    "extraction_shards",
    "fine_tune_events",
    "fine_tune_metrics",
    "fine_tunes",
    "idempotency_keys",
    "model_aliases",
    "models",
    "notification_attempts",
    "notification_deliveries",
    "notification_targets",
    "notifications",
    "training_files",
    "vocabularies",
)
_LISTED = (
    "datasets",
    "evaluations",
    "extraction_batches",
    "fine_tunes",
    "models",
    "notification_targets",
    "training_files",
    "vocabularies",
)
_KEYS = {"idempotency_keys": ["scope", "key"], "model_aliases": ["name"]}


def _workspace() -> sa.Column[str]:
    return sa.Column("workspace", sa.String(), server_default="default", nullable=False)


def upgrade() -> None:
    moment = app.tables.base.UtcDateTime(timezone=True)
    for table in _OWNED:
        op.add_column(table, _workspace())
    for table in _LISTED:
        op.create_index(op.f(f"ix_{table}_workspace_id"), table, ["workspace", "id"], unique=False)
    # What was unique in the service is so in its workspace. No other table refers to these.
    for table, columns in _KEYS.items():
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(op.f(f"pk_{table}"), type_="primary")
            batch.create_primary_key(op.f(f"pk_{table}"), ["workspace", *columns])
    with op.batch_alter_table("vocabularies") as batch:
        batch.drop_constraint(op.f("uq_vocabularies_name"), type_="unique")
        batch.create_unique_constraint(
            op.f("uq_vocabularies_workspace_name"), ["workspace", "name"]
        )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(), nullable=False),
        _workspace(),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=True),
        sa.Column("revoked_at", moment, nullable=True),
        sa.Column("last_used_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    op.create_index(op.f("ix_api_keys_workspace_id"), "api_keys", ["workspace", "id"], unique=False)
    op.create_table(
        "console_sessions",
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"],
            ["api_keys.id"],
            name=op.f("fk_console_sessions_key_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_console_sessions")),
    )
    op.create_index(
        op.f("ix_console_sessions_expires_at"), "console_sessions", ["expires_at"], unique=False
    )
    op.create_table(
        "audit_events",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("at", moment, nullable=False),
        _workspace(),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
    )
    op.create_index(op.f("ix_audit_events_at"), "audit_events", ["at"], unique=False)
    op.create_index(
        op.f("ix_audit_events_workspace_id"), "audit_events", ["workspace", "id"], unique=False
    )


def downgrade() -> None:
    for table in ("audit_events", "console_sessions", "api_keys"):
        op.drop_table(table)
    # Of what others have named alike only one can stay: that of the workspace all began in.
    for table in (*_KEYS, "vocabularies"):
        rows = sa.table(table, sa.column("workspace", sa.String()))
        op.execute(sa.delete(rows).where(rows.c.workspace != "default"))
    for table, columns in _KEYS.items():
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(op.f(f"pk_{table}"), type_="primary")
            batch.create_primary_key(op.f(f"pk_{table}"), columns)
    with op.batch_alter_table("vocabularies") as batch:
        batch.drop_constraint(op.f("uq_vocabularies_workspace_name"), type_="unique")
        batch.create_unique_constraint(op.f("uq_vocabularies_name"), ["name"])
    for table in _LISTED:
        op.drop_index(op.f(f"ix_{table}_workspace_id"), table_name=table)
    for table in _OWNED:
        op.drop_column(table, "workspace")
