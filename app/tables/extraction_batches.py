"""Extraction batches: a model asked about many texts."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Owned, Table
from app.tables.sealed import SealedText


class ExtractionBatchRow(Owned, Table):
    """One batch over an uploaded file (`input_blob`) or over a dataset's splits.

    `documents` are all texts of the input, None until it has been read; `succeeded` and `failed`
    count those of the shards that have ended. Without `store_text` there is an `input_blob` until
    none of its texts is left.
    """

    __tablename__ = "extraction_batches"
    __table_args__ = (Index(None, "workspace", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(SealedText("extraction_batches.name"))
    asked: Mapped[str]
    model: Mapped[str] = mapped_column(index=True)
    backend: Mapped[str]
    tasks: Mapped[list[str]]
    options: Mapped[dict[str, Any]]
    dataset_id: Mapped[str | None] = mapped_column(ForeignKey("datasets.id"), index=True)
    splits: Mapped[list[str] | None]
    input_blob: Mapped[str | None]
    store_text: Mapped[bool] = mapped_column(default=True)
    input_bytes: Mapped[int | None] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(index=True)
    documents: Mapped[int | None]
    succeeded: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    input_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    output_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    error_code: Mapped[str | None]
    error_message: Mapped[str | None] = mapped_column(
        SealedText("extraction_batches.error_message")
    )
    # Ids of targets that are told of its end beside those that are told of all; of old rows null.
    notify: Mapped[list[str] | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
