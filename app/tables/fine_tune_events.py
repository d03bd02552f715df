"""What happened to a fine-tune, in order."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Owned, Table
from app.tables.sealed import SealedJson


class FineTuneEventRow(Owned, Table):
    """One event; `sequence` counts from 1 within its fine-tune."""

    __tablename__ = "fine_tune_events"

    fine_tune_id: Mapped[str] = mapped_column(
        ForeignKey("fine_tunes.id", ondelete="CASCADE"), primary_key=True
    )
    sequence: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    type: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(SealedJson("fine_tune_events.data"))
