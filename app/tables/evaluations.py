"""Evaluations: models measured on annotated documents."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Owned, Table
from app.tables.sealed import SealedJson, SealedText


class EvaluationRow(Owned, Table):
    """One evaluation; `best_f1` is the headline F1 of its best model, to sort by."""

    __tablename__ = "evaluations"
    __table_args__ = (Index(None, "workspace", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(SealedText("evaluations.name"))
    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id"), index=True)
    splits: Mapped[list[str]]
    tasks: Mapped[list[str]]
    options: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(index=True)
    stage: Mapped[str] = mapped_column(default="")
    progress: Mapped[float] = mapped_column(default=0.0)
    documents: Mapped[int | None]
    best_f1: Mapped[float | None] = mapped_column(index=True)
    comparisons: Mapped[dict[str, Any] | None] = mapped_column(
        SealedJson("evaluations.comparisons")
    )
    error_code: Mapped[str | None]
    error_message: Mapped[str | None] = mapped_column(SealedText("evaluations.error_message"))
    # Ids of targets that are told of its end beside those that are told of all; of old rows null.
    notify: Mapped[list[str] | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
