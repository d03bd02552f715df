"""Who is told when something has ended: addresses of webhooks and of people."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Table


class NotificationTargetRow(Table):
    """One address; `kind` is `webhook` or `email`, `events` are the types it is told of.

    `secret` is what messages to a webhook are signed with.
    """

    __tablename__ = "notification_targets"

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    address: Mapped[str]
    secret: Mapped[str | None]
    events: Mapped[list[str]]
    enabled: Mapped[bool]
    created_at: Mapped[datetime]
