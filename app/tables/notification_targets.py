"""Who is told when something has ended: addresses of webhooks and of people."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Owned, Table
from app.tables.sealed import SealedText


class NotificationTargetRow(Owned, Table):
    """One address; `kind` is `webhook` or `email`, `events` are the types it is told of.

    `secret` is what messages to a webhook are signed with.
    """

    __tablename__ = "notification_targets"
    __table_args__ = (Index(None, "workspace", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str] = mapped_column(SealedText("notification_targets.name"))
    address: Mapped[str] = mapped_column(SealedText("notification_targets.address"))
    secret: Mapped[str | None] = mapped_column(SealedText("notification_targets.secret"))
    events: Mapped[list[str]]
    enabled: Mapped[bool]
    created_at: Mapped[datetime]
