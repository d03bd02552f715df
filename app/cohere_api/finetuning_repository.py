"""Rows of fine-tunes as Cohere's API knows them: all of the service, but those deleted there."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.fine_tunes.states import TERMINAL
from app.tables import (
    CohereFinetunedModelRow,
    FineTuneEventRow,
    FineTuneMetricRow,
    FineTuneRow,
    TrainingFileRow,
)


@dataclass(frozen=True)
class FinetunedModelRows:
    """A fine-tune, its dataset, and what only Cohere's API says of it (None: nothing)."""

    row: FineTuneRow
    dataset_id: str
    told: CohereFinetunedModelRow | None


class FinetunedModelRepository:
    """Reads and writes rows in the session's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, row: CohereFinetunedModelRow) -> None:
        """Insert a row."""
        self._session.add(row)
        await self._session.flush()

    async def get(self, fine_tune_id: str) -> FinetunedModelRows | None:
        """One of them, if it is there for Cohere's API."""
        found = await self._found(_rows().where(_shown(), FineTuneRow.id == fine_tune_id))
        return found[0] if found else None

    async def page(
        self, after: str | None, limit: int, *, newest_first: bool
    ) -> Sequence[FinetunedModelRows]:
        """By creation, beyond the id `after`; ids sort by their creation."""
        query = _rows().where(_shown()).limit(limit)
        query = query.order_by(FineTuneRow.id.desc() if newest_first else FineTuneRow.id)
        if after is not None:
            query = query.where(FineTuneRow.id < after if newest_first else FineTuneRow.id > after)
        return await self._found(query)

    async def count(self) -> int:
        """How many there are."""
        query = (
            select(func.count())
            .select_from(FineTuneRow)
            .outerjoin(
                CohereFinetunedModelRow, CohereFinetunedModelRow.fine_tune_id == FineTuneRow.id
            )
            .where(_shown())
        )
        return await self._session.scalar(query) or 0

    async def deleted_and_ended(self) -> Sequence[FinetunedModelRows]:
        """Those that were deleted while they ran, and run no more."""
        ended = FineTuneRow.status.in_([status.value for status in TERMINAL])
        return await self._found(_rows().where(~_shown(), ended))

    async def is_needed(self, training_file_id: str) -> bool:
        """Whether a fine-tune learns from a training file, or is measured on it."""
        query = select(FineTuneRow.id).where(
            or_(
                FineTuneRow.training_file_id == training_file_id,
                FineTuneRow.evaluation_file_id == training_file_id,
            )
        )
        return await self._session.scalar(query.limit(1)) is not None

    async def is_being_built(self, row: FineTuneRow) -> bool:
        """Whether one of its training files is still being built."""
        files = [row.training_file_id, row.evaluation_file_id]
        query = select(TrainingFileRow.id).where(
            TrainingFileRow.id.in_([file for file in files if file is not None]),
            TrainingFileRow.status == "building",
        )
        return await self._session.scalar(query.limit(1)) is not None

    async def events(self, fine_tune_id: str, types: Collection[str]) -> Sequence[FineTuneEventRow]:
        """Events of these types, newest first."""
        query = (
            select(FineTuneEventRow)
            .where(FineTuneEventRow.fine_tune_id == fine_tune_id, FineTuneEventRow.type.in_(types))
            .order_by(FineTuneEventRow.sequence.desc())
        )
        return (await self._session.scalars(query)).all()

    async def metrics(self, fine_tune_id: str) -> Sequence[FineTuneMetricRow]:
        """The whole training curve, in order."""
        query = (
            select(FineTuneMetricRow)
            .where(FineTuneMetricRow.fine_tune_id == fine_tune_id)
            .order_by(FineTuneMetricRow.sequence)
        )
        return (await self._session.scalars(query)).all()

    async def _found(
        self, query: "Select[FineTuneRow, str, CohereFinetunedModelRow]"
    ) -> list[FinetunedModelRows]:
        found = (await self._session.execute(query)).all()
        return [FinetunedModelRows(row, dataset_id, told) for row, dataset_id, told in found]


def _rows() -> "Select[FineTuneRow, str, CohereFinetunedModelRow]":
    return (
        select(FineTuneRow, TrainingFileRow.dataset_id, CohereFinetunedModelRow)
        .join(TrainingFileRow, TrainingFileRow.id == FineTuneRow.training_file_id)
        .outerjoin(CohereFinetunedModelRow, CohereFinetunedModelRow.fine_tune_id == FineTuneRow.id)
    )


def _shown() -> ColumnElement[bool]:
    """True also for those of which Cohere's API says nothing."""
    return CohereFinetunedModelRow.deleted_at.is_(None)
