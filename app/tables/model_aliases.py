"""Names that point to a model and can be moved to another."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Owned, Table, of_transaction


class ModelAliasRow(Owned, Table):
    """One alias; `model` is a tuned model's id or a base model's (`local:rules`)."""

    __tablename__ = "model_aliases"

    workspace: Mapped[str] = mapped_column(
        primary_key=True, default=of_transaction, server_default="default"
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(index=True)
    updated_at: Mapped[datetime]
