"""Keys of the service's callers. The key itself is never stored: only its hash."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Owned, Table


class ApiKeyRow(Owned, Table):
    """One key of a workspace; `hash` is the sha256 of its secret, `created_by` who made it.

    A key that was revoked stays, so that the audit log can name it. `last_used_at` may be a minute
    behind.
    """

    __tablename__ = "api_keys"
    __table_args__ = (Index(None, "workspace", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    scope: Mapped[str]
    hash: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
