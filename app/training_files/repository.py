"""Rows of training files."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.platform.leftovers import owners_of
from app.platform.row_locks import locked
from app.tables import TrainingFileRow


class TrainingFileRepository:
    """Reads and writes rows in the session's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, row: TrainingFileRow) -> None:
        """Insert a row."""
        self._session.add(row)
        await self._session.flush()

    async def get(self, training_file_id: str) -> TrainingFileRow | None:
        """One training file."""
        return await self._session.get(TrainingFileRow, training_file_id)

    async def lock(self, training_file_id: str) -> TrainingFileRow | None:
        """The same, as it is now, and no one else changes it until the transaction ends."""
        return await locked(self._session, TrainingFileRow, training_file_id)

    async def page(
        self, dataset_id: str | None, after: str | None, limit: int
    ) -> Sequence[TrainingFileRow]:
        """Training files, newest first."""
        query = select(TrainingFileRow).order_by(TrainingFileRow.id.desc()).limit(limit)
        if dataset_id is not None:
            query = query.where(TrainingFileRow.dataset_id == dataset_id)
        if after is not None:
            query = query.where(TrainingFileRow.id < after)
        return (await self._session.scalars(query)).all()

    async def built_from(self, dataset_id: str) -> Sequence[str]:
        """Ids of the training files built from a dataset."""
        query = select(TrainingFileRow.id).where(TrainingFileRow.dataset_id == dataset_id)
        return (await self._session.scalars(query)).all()

    async def named_blobs(self, keys: Sequence[str]) -> set[str]:
        """The blobs that the rows of these blobs' owners name."""
        query = select(TrainingFileRow.blob).where(TrainingFileRow.id.in_(owners_of(keys)))
        return {blob for blob in await self._session.scalars(query) if blob is not None}

    async def unfinished(self) -> Sequence[str]:
        """Ids of training files whose job has not ended."""
        query = select(TrainingFileRow.id).where(TrainingFileRow.status == "building")
        return (await self._session.scalars(query)).all()

    async def delete(self, row: TrainingFileRow) -> None:
        """Remove a training file."""
        await self._session.delete(row)
        await self._session.flush()
