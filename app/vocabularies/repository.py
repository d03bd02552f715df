"""Rows of vocabularies."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.platform.row_locks import locked
from app.tables import VocabularyRow


class VocabularyRepository:
    """Reads and writes rows in the session's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, row: VocabularyRow) -> None:
        """Insert a row."""
        self._session.add(row)
        await self._session.flush()

    async def get(self, vocabulary_id: str) -> VocabularyRow | None:
        """One vocabulary."""
        return await self._session.get(VocabularyRow, vocabulary_id)

    async def lock(self, vocabulary_id: str) -> VocabularyRow | None:
        """The same, as it is now, and no one else changes it until the transaction ends."""
        return await locked(self._session, VocabularyRow, vocabulary_id)

    async def named(self, name: str) -> VocabularyRow | None:
        """The vocabulary of this name."""
        query = select(VocabularyRow).where(VocabularyRow.name == name)
        return (await self._session.scalars(query)).one_or_none()

    async def page(self, after: str | None, limit: int) -> Sequence[VocabularyRow]:
        """Vocabularies, newest first."""
        query = select(VocabularyRow).order_by(VocabularyRow.id.desc()).limit(limit)
        if after is not None:
            query = query.where(VocabularyRow.id < after)
        return (await self._session.scalars(query)).all()

    async def of_ids(self, vocabulary_ids: Sequence[str]) -> Sequence[VocabularyRow]:
        """The vocabularies of these ids, in no order; those that are gone are missing."""
        query = select(VocabularyRow).where(VocabularyRow.id.in_(vocabulary_ids))
        return (await self._session.scalars(query)).all()

    async def unfinished(self) -> Sequence[str]:
        """Ids of vocabularies whose job has not ended."""
        query = select(VocabularyRow.id).where(VocabularyRow.status == "building")
        return (await self._session.scalars(query)).all()

    async def delete(self, row: VocabularyRow) -> None:
        """Remove a vocabulary."""
        await self._session.delete(row)
        await self._session.flush()
