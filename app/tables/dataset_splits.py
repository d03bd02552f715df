"""The splits of a dataset: one blob of canonical document lines each."""

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Owned, Table


class DatasetSplitRow(Owned, Table):
    """One split, in order of first appearance; `characters` counts code points of text."""

    __tablename__ = "dataset_splits"

    dataset_id: Mapped[str] = mapped_column(
        ForeignKey("datasets.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    blob: Mapped[str]
    documents: Mapped[int]
    mentions: Mapped[dict[str, int]]
    relations: Mapped[int]
    characters: Mapped[int] = mapped_column(BigInteger)
