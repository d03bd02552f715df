"""Who is logged in to the console."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Table


class ConsoleSessionRow(Table):
    """One login with a key; `hash` is the sha256 of the token in the browser's cookie.

    `key_id` is null for the key of the settings, which has no row.
    """

    __tablename__ = "console_sessions"

    hash: Mapped[str] = mapped_column(primary_key=True)
    key_id: Mapped[str | None] = mapped_column(ForeignKey("api_keys.id", ondelete="CASCADE"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
