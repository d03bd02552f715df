"""Messages on their way: one row for each message and whoever is to get it."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Owned, Table


class NotificationDeliveryRow(Owned, Table):
    """One message to one target: `waiting`, `delivered` or `failed`."""

    __tablename__ = "notification_deliveries"

    id: Mapped[str] = mapped_column(primary_key=True)
    notification_id: Mapped[str] = mapped_column(
        ForeignKey("notifications.id", ondelete="CASCADE"), index=True
    )
    target_id: Mapped[str] = mapped_column(
        ForeignKey("notification_targets.id", ondelete="CASCADE"), index=True
    )
    status: Mapped[str]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
