"""Fine-tunes: what clients see of a training job."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Owned, Table
from app.tables.sealed import SealedText


class FineTuneRow(Owned, Table):
    """One fine-tune; its inputs never change, its status only along the transition table."""

    __tablename__ = "fine_tunes"
    __table_args__ = (Index(None, "workspace", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(SealedText("fine_tunes.name"))
    training_file_id: Mapped[str] = mapped_column(ForeignKey("training_files.id"), index=True)
    # No foreign key: SQLite could only add one by dropping the table, and its children with it.
    evaluation_file_id: Mapped[str | None] = mapped_column(index=True)
    backend: Mapped[str]
    base_model: Mapped[str | None]
    hyperparameters: Mapped[dict[str, Any]]
    # Ids of the vocabularies its model looks identifiers up in; of old rows null.
    vocabularies: Mapped[list[str] | None]
    status: Mapped[str] = mapped_column(index=True)
    stage: Mapped[str] = mapped_column(default="")
    progress: Mapped[float] = mapped_column(default=0.0)
    model_id: Mapped[str | None]
    error_code: Mapped[str | None]
    error_message: Mapped[str | None] = mapped_column(SealedText("fine_tunes.error_message"))
    # Ids of targets that are told of its end beside those that are told of all; of old rows null.
    notify: Mapped[list[str] | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
