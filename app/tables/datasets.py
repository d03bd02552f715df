"""Uploaded corpora: what they are and where their documents lie. Never any text."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Owned, Table
from app.tables.sealed import SealedText


class DatasetRow(Owned, Table):
    """One dataset; `version` is the sha256 over its documents, known once it is `ready`.

    `based_on` is the dataset whose documents it began with, which may be gone by now.
    """

    __tablename__ = "datasets"
    __table_args__ = (Index(None, "workspace", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(SealedText("datasets.name"))
    format: Mapped[str | None]
    status: Mapped[str] = mapped_column(index=True)
    progress: Mapped[float] = mapped_column(default=0.0)
    version: Mapped[str | None]
    errors: Mapped[int] = mapped_column(default=0)
    warnings: Mapped[int] = mapped_column(default=0)
    problem_counts: Mapped[dict[str, int]] = mapped_column(default=dict)
    report_blob: Mapped[str | None]
    based_on: Mapped[str | None]
    error_code: Mapped[str | None]
    error_message: Mapped[str | None] = mapped_column(SealedText("datasets.error_message"))
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
