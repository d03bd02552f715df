"""Tuned models one may extract with; base models are the backends' own and have no row."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Owned, Table
from app.tables.sealed import SealedText


class ModelRow(Owned, Table):
    """One tuned model; `backend_model` is what its backend calls it."""

    __tablename__ = "models"
    __table_args__ = (Index(None, "workspace", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(SealedText("models.name"))
    backend: Mapped[str]
    base_model: Mapped[str | None]
    backend_model: Mapped[str] = mapped_column(index=True)
    tasks: Mapped[list[str]]
    template_id: Mapped[str]
    fine_tune_id: Mapped[str] = mapped_column(ForeignKey("fine_tunes.id"), unique=True)
    created_at: Mapped[datetime]
    retired_on: Mapped[date | None]
