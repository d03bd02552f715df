"""Rows of datasets as Cohere's API knows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.cohere_api.dataset_schemas import TYPES, ValidationStatus
from app.tables import (
    CohereDatasetRow,
    DatasetFileRow,
    DatasetRow,
    FineTuneRow,
    TrainingFileRow,
)


@dataclass(frozen=True)
class DatasetFilter:
    """Which datasets to list; whatever is None does not matter. Times are exclusive."""

    type: str | None = None
    status: ValidationStatus | None = None
    before: datetime | None = None
    after: datetime | None = None


@dataclass(frozen=True)
class DatasetRows:
    """A dataset: what only Cohere's API says of it, and what all say."""

    told: CohereDatasetRow
    row: DatasetRow


class CohereDatasetRepository:
    """Reads and writes rows in the session's transaction. Deleted ones are not there."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, row: CohereDatasetRow) -> None:
        """Insert a row."""
        self._session.add(row)
        await self._session.flush()

    async def get(self, dataset_id: str) -> DatasetRows | None:
        """One dataset."""
        found = await self._found(CohereDatasetRow.dataset_id == dataset_id, limit=1, offset=0)
        return found[0] if found else None

    async def page(self, chosen: DatasetFilter, limit: int, offset: int) -> Sequence[DatasetRows]:
        """Datasets, newest first."""
        conditions = []
        if chosen.type is not None:
            conditions.append(CohereDatasetRow.type == chosen.type)
        if chosen.before is not None:
            conditions.append(DatasetRow.created_at < chosen.before)
        if chosen.after is not None:
            conditions.append(DatasetRow.created_at > chosen.after)
        if chosen.status is not None:
            conditions.append(_has_status(chosen.status))
        return await self._found(*conditions, limit=limit, offset=offset)

    async def files(self, dataset_ids: Sequence[str]) -> Sequence[DatasetFileRow]:
        """Files of datasets, in order of the upload."""
        query = select(DatasetFileRow).where(DatasetFileRow.dataset_id.in_(dataset_ids))
        return (await self._session.scalars(query.order_by(DatasetFileRow.position))).all()

    async def uploaded_bytes(self) -> int:
        """Bytes of all files as they were uploaded."""
        query = (
            select(func.sum(DatasetFileRow.bytes))
            .join(CohereDatasetRow, CohereDatasetRow.dataset_id == DatasetFileRow.dataset_id)
            .where(CohereDatasetRow.deleted_at.is_(None))
        )
        return await self._session.scalar(query) or 0

    async def is_deleted(self, dataset_id: str) -> bool:
        """Whether it was deleted here while something still needed it."""
        row = await self._session.get(CohereDatasetRow, dataset_id)
        return row is not None and row.deleted_at is not None

    async def deleted_and_unneeded(self) -> Sequence[str]:
        """Ids of the deleted ones that no fine-tune, of any state, has and that no job works on."""
        files = select(TrainingFileRow.id).where(
            TrainingFileRow.dataset_id == CohereDatasetRow.dataset_id
        )
        has_it = or_(
            TrainingFileRow.id == FineTuneRow.training_file_id,
            TrainingFileRow.id == FineTuneRow.evaluation_file_id,
        )
        query = (
            select(CohereDatasetRow.dataset_id)
            .join(DatasetRow, DatasetRow.id == CohereDatasetRow.dataset_id)
            .where(
                CohereDatasetRow.deleted_at.is_not(None),
                DatasetRow.status != "validating",
                ~files.where(TrainingFileRow.status == "building").exists(),
                ~files.join(FineTuneRow, has_it).exists(),
            )
        )
        return (await self._session.scalars(query)).all()

    async def _found(
        self, *conditions: ColumnElement[bool], limit: int, offset: int
    ) -> list[DatasetRows]:
        query = (
            select(CohereDatasetRow, DatasetRow)
            .join(DatasetRow, DatasetRow.id == CohereDatasetRow.dataset_id)
            .where(CohereDatasetRow.deleted_at.is_(None), *conditions)
            .order_by(DatasetRow.id.desc())
            .limit(limit)
            .offset(offset)
        )
        return [DatasetRows(told, row) for told, row in (await self._session.execute(query)).all()]


def _has_status(status: ValidationStatus) -> ColumnElement[bool]:
    """The condition for a status; `dataset_service.validation_status` says the same in Python."""
    enough = or_(
        *(
            and_(
                CohereDatasetRow.type == name,
                CohereDatasetRow.eval_examples.is_not(None)
                if with_eval
                else CohereDatasetRow.eval_examples.is_(None),
                CohereDatasetRow.train_examples
                >= (type_.minimum_with_eval if with_eval else type_.minimum),
            )
            for name, type_ in TYPES.items()
            for with_eval in (False, True)
        )
    )
    ready = DatasetRow.status == "ready"
    if status == "validated":
        return and_(ready, enough)
    if status == "failed":
        return or_(DatasetRow.status == "failed", and_(ready, ~enough))
    # None is ever queued, skipped or unknown.
    return DatasetRow.status == ("validating" if status == "processing" else "")
