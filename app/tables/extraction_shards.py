"""The shards of extraction batches: what one job asks about, and what it was answered."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Owned, Table


class ExtractionShardRow(Owned, Table):
    """Some hundred texts in input order; shard `position` (from 0) begins with text `first`.

    `input_blob` holds the texts, `result_blob` one line for each, in the same order. Where texts
    are not kept the first one's name is empty once they are gone.
    """

    __tablename__ = "extraction_shards"
    __table_args__ = (
        UniqueConstraint("batch_id", "position"),
        Index(None, "batch_id", "status", "position"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    batch_id: Mapped[str] = mapped_column(ForeignKey("extraction_batches.id", ondelete="CASCADE"))
    position: Mapped[int]
    first: Mapped[int]
    documents: Mapped[int]
    input_blob: Mapped[str]
    result_blob: Mapped[str | None]
    status: Mapped[str]
    succeeded: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
