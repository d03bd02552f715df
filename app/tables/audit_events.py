"""Who did what. Ids and words of ours alone, never what a client wrote."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Owned, Table


class AuditEventRow(Owned, Table):
    """One thing done to one resource: `action` is `created`, `changed`, `deleted` or `revoked`.

    `actor` is a key's id, or `local` while the service has no keys; `kind` is the table, without a
    row of which `subject_id` may well be by now.
    """

    __tablename__ = "audit_events"
    __table_args__ = (Index(None, "workspace", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str]
    action: Mapped[str]
    kind: Mapped[str]
    subject_id: Mapped[str]
    request_id: Mapped[str | None]
