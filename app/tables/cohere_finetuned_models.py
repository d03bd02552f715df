"""What only Cohere's API says of a fine-tune."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Owned, Table
from app.tables.sealed import SealedJson


class CohereFinetunedModelRow(Owned, Table):
    """A fine-tune as Cohere's API has created it: its settings as sent (never a key).

    One with `deleted_at` is there no more for that API.
    """

    __tablename__ = "cohere_finetuned_models"

    fine_tune_id: Mapped[str] = mapped_column(
        ForeignKey("fine_tunes.id", ondelete="CASCADE"), primary_key=True
    )
    settings: Mapped[dict[str, Any]] = mapped_column(SealedJson("cohere_finetuned_models.settings"))
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
