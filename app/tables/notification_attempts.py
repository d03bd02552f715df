"""The log of deliveries: each attempt, those to come included."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Owned, Table


class NotificationAttemptRow(Owned, Table):
    """One attempt: `waiting` until `due_at` or while it is made, then `succeeded` or `failed`.

    `number` counts from 1 within a delivery. `http_status` is a webhook's answer; `error` is a
    short word for what went wrong, never what was answered.
    """

    __tablename__ = "notification_attempts"
    __table_args__ = (Index(None, "status", "due_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    delivery_id: Mapped[str] = mapped_column(
        ForeignKey("notification_deliveries.id", ondelete="CASCADE"), index=True
    )
    number: Mapped[int]
    status: Mapped[str]
    due_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    http_status: Mapped[int | None]
    error: Mapped[str | None]
