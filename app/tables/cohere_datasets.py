"""What only Cohere's API says of a dataset."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Owned, Table


class CohereDatasetRow(Owned, Table):
    """A dataset as Cohere's API has created it; one with `deleted_at` is there no more for it.

    Examples are the rows of its files as uploaded; `eval_examples` is null without such a file.
    """

    __tablename__ = "cohere_datasets"

    dataset_id: Mapped[str] = mapped_column(
        ForeignKey("datasets.id", ondelete="CASCADE"), primary_key=True
    )
    type: Mapped[str]
    keep_fields: Mapped[list[str]]
    optional_fields: Mapped[list[str]]
    train_examples: Mapped[int]
    eval_examples: Mapped[int | None]
    deleted_at: Mapped[datetime | None]
