"""The training curve of a fine-tune."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Owned, Table


class FineTuneMetricRow(Owned, Table):
    """One point; `sequence` counts from 1 within its fine-tune, in the order of training."""

    __tablename__ = "fine_tune_metrics"

    fine_tune_id: Mapped[str] = mapped_column(
        ForeignKey("fine_tunes.id", ondelete="CASCADE"), primary_key=True
    )
    sequence: Mapped[int] = mapped_column(primary_key=True)
    stage: Mapped[str]
    step: Mapped[int]
    name: Mapped[str]
    value: Mapped[float]
    at: Mapped[datetime | None]
