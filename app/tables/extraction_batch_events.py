"""What happened to an extraction batch, in order."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Owned, Table
from app.tables.sealed import SealedJson


class ExtractionBatchEventRow(Owned, Table):
    """One event; `sequence` counts from 1 within its batch."""

    __tablename__ = "extraction_batch_events"

    batch_id: Mapped[str] = mapped_column(
        ForeignKey("extraction_batches.id", ondelete="CASCADE"), primary_key=True
    )
    sequence: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    type: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(SealedJson("extraction_batch_events.data"))
