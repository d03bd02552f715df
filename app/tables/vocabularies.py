"""Vocabularies: names of concepts, uploaded to look identifiers up in."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Owned, Table
from app.tables.sealed import SealedJson, SealedText


class VocabularyRow(Owned, Table):
    """One vocabulary; `files` are what was uploaded, `blob` the index that was built from them."""

    __tablename__ = "vocabularies"
    __table_args__ = (UniqueConstraint("workspace", "name"), Index(None, "workspace", "id"))

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    # The type of all its concepts, where the files do not say it of each.
    type: Mapped[str | None]
    files: Mapped[dict[str, Any]] = mapped_column(SealedJson("vocabularies.files"))
    status: Mapped[str] = mapped_column(index=True)
    progress: Mapped[float] = mapped_column(default=0.0)
    blob: Mapped[str | None]
    sha256: Mapped[str | None]
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    statistics: Mapped[dict[str, Any] | None]
    error_code: Mapped[str | None]
    error_message: Mapped[str | None] = mapped_column(SealedText("vocabularies.error_message"))
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
