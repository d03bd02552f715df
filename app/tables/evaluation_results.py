"""What an evaluation measured of each of its models."""

from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Owned, Table
from app.tables.sealed import SealedJson


class EvaluationResultRow(Owned, Table):
    """One model of an evaluation, `asked` for by id or alias; `position` counts from 0.

    `result` is what is shown of it, `blob` holds its answers and errors document by document. The
    model itself may have been deleted since.
    """

    __tablename__ = "evaluation_results"

    evaluation_id: Mapped[str] = mapped_column(
        ForeignKey("evaluations.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    asked: Mapped[str]
    model: Mapped[str] = mapped_column(index=True)
    result: Mapped[dict[str, Any] | None] = mapped_column(SealedJson("evaluation_results.result"))
    blob: Mapped[str | None]
