"""Answers already given to creating requests, to be given again."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Owned, Table, of_transaction
from app.tables.sealed import SealedJson


class IdempotencyKeyRow(Owned, Table):
    """One answered request; `fingerprint` is the sha256 of what was asked."""

    __tablename__ = "idempotency_keys"

    workspace: Mapped[str] = mapped_column(
        primary_key=True, default=of_transaction, server_default="default"
    )
    scope: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    status_code: Mapped[int]
    location: Mapped[str | None]
    body: Mapped[dict[str, Any]] = mapped_column(SealedJson("idempotency_keys.body"))
    created_at: Mapped[datetime] = mapped_column(index=True)
