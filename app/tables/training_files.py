"""JSONL training files built from datasets."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Owned, Table
from app.tables.sealed import SealedText


class TrainingFileRow(Owned, Table):
    """One training file; `reference` names its content by what it was asked to be built from."""

    __tablename__ = "training_files"
    __table_args__ = (Index(None, "workspace", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id"), index=True)
    tasks: Mapped[list[str]]
    splits: Mapped[list[str]]
    text: Mapped[str]
    format: Mapped[str]
    template_id: Mapped[str]
    template_hash: Mapped[str]
    reference: Mapped[str] = mapped_column(index=True)
    status: Mapped[str] = mapped_column(index=True)
    progress: Mapped[float] = mapped_column(default=0.0)
    blob: Mapped[str | None]
    sha256: Mapped[str | None]
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    statistics: Mapped[dict[str, Any] | None]
    error_code: Mapped[str | None]
    error_message: Mapped[str | None] = mapped_column(SealedText("training_files.error_message"))
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
