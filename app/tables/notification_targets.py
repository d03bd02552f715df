"""Who is told when something has ended: addresses of webhooks and of people."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Owned, Table


class NotificationTargetRow(Owned, Table):
    """One address; `kind` is `webhook` or `email`, `events` are the types it is told of.

    `secret` is what messages to a webhook are signed with.
    """

    __tablename__ = "notification_targets"
    __table_args__ = (Index(None, "workspace", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    address: Mapped[str]
    secret: Mapped[str | None]
    events: Mapped[list[str]]
    enabled: Mapped[bool]
    created_at: Mapped[datetime]
