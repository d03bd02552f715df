"""What has happened that someone is told of. Ids and numbers, never text."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Owned, Table


class NotificationRow(Owned, Table):
    """One message, the same for all who get it; `subject_id` is the resource it is about."""

    __tablename__ = "notifications"

    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    subject_id: Mapped[str] = mapped_column(index=True)
    data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(index=True)
