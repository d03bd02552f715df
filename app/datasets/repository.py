"""Rows of datasets, their files and splits."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.platform.leftovers import owners_of
from app.platform.row_locks import locked
from app.tables import DatasetFileRow, DatasetRow, DatasetSplitRow


class DatasetRepository:
    """Reads and writes rows in the session's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, *rows: DatasetRow | DatasetFileRow | DatasetSplitRow) -> None:
        """Insert rows."""
        self._session.add_all(rows)

    async def flush(self) -> None:
        """Write what was added, so that rows that refer to it can follow."""
        await self._session.flush()

    async def get(self, dataset_id: str) -> DatasetRow | None:
        """One dataset."""
        return await self._session.get(DatasetRow, dataset_id)

    async def lock(self, dataset_id: str) -> DatasetRow | None:
        """The same, as it is now, and no one else changes it until the transaction ends."""
        return await locked(self._session, DatasetRow, dataset_id)

    async def page(self, after: str | None, limit: int) -> Sequence[DatasetRow]:
        """Datasets, newest first."""
        query = select(DatasetRow).order_by(DatasetRow.id.desc()).limit(limit)
        if after is not None:
            query = query.where(DatasetRow.id < after)
        return (await self._session.scalars(query)).all()

    async def names(self, dataset_ids: Sequence[str]) -> dict[str, str]:
        """What these are called, by id; nothing of those that are not there."""
        query = select(DatasetRow.id, DatasetRow.name).where(DatasetRow.id.in_(dataset_ids))
        return {row.id: row.name for row in await self._session.execute(query)}

    async def files(self, dataset_ids: Sequence[str]) -> Sequence[DatasetFileRow]:
        """Files of datasets, in order of the upload."""
        query = select(DatasetFileRow).where(DatasetFileRow.dataset_id.in_(dataset_ids))
        return (await self._session.scalars(query.order_by(DatasetFileRow.position))).all()

    async def splits(self, dataset_ids: Sequence[str]) -> Sequence[DatasetSplitRow]:
        """Splits of datasets, in order of first appearance."""
        query = select(DatasetSplitRow).where(DatasetSplitRow.dataset_id.in_(dataset_ids))
        return (await self._session.scalars(query.order_by(DatasetSplitRow.position))).all()

    async def named_blobs(self, keys: Sequence[str]) -> set[str]:
        """Of these blobs, those that rows name as reports or documents."""
        ids = owners_of(keys)
        reports = select(DatasetRow.report_blob).where(DatasetRow.id.in_(ids))
        documents = select(DatasetSplitRow.blob).where(DatasetSplitRow.dataset_id.in_(ids))
        found = [*await self._session.scalars(reports), *await self._session.scalars(documents)]
        return {blob for blob in found if blob is not None}

    async def unfinished(self) -> Sequence[str]:
        """Ids of datasets whose job has not ended."""
        query = select(DatasetRow.id).where(DatasetRow.status == "validating")
        return (await self._session.scalars(query)).all()

    async def unfinished_revision(self, dataset_id: str) -> str | None:
        """A dataset that is being made from the documents of this one, if there is any."""
        query = select(DatasetRow.id).where(
            DatasetRow.status == "validating", DatasetRow.based_on == dataset_id
        )
        return await self._session.scalar(query.limit(1))

    async def delete(self, row: DatasetRow) -> None:
        """Remove a dataset with its files and splits."""
        await self._session.delete(row)
        # Or whoever asks for it next within the transaction is given it.
        await self._session.flush()
