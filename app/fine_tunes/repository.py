"""Rows of fine-tunes, their events and metrics, and of the models they end in."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import String, cast, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.platform.row_locks import locked
from app.tables import FineTuneEventRow, FineTuneMetricRow, FineTuneRow, ModelRow


class FineTuneRepository:
    """Reads and writes rows in the session's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, row: FineTuneRow | ModelRow) -> None:
        """Insert a row."""
        self._session.add(row)
        await self._session.flush()

    async def get(self, fine_tune_id: str) -> FineTuneRow | None:
        """One fine-tune."""
        return await self._session.get(FineTuneRow, fine_tune_id)

    async def lock(self, fine_tune_id: str) -> FineTuneRow | None:
        """The same, as it is now, and no one else changes it until the transaction ends."""
        return await locked(self._session, FineTuneRow, fine_tune_id)

    async def page(
        self, status: str | None, after: str | None, limit: int
    ) -> Sequence[FineTuneRow]:
        """Fine-tunes, newest first."""
        query = select(FineTuneRow).order_by(FineTuneRow.id.desc()).limit(limit)
        if status is not None:
            query = query.where(FineTuneRow.status == status)
        if after is not None:
            query = query.where(FineTuneRow.id < after)
        return (await self._session.scalars(query)).all()

    async def built_from(self, training_file_id: str) -> Sequence[str]:
        """Ids of the fine-tunes that learn from a training file, or are measured on it."""
        query = select(FineTuneRow.id).where(
            or_(
                FineTuneRow.training_file_id == training_file_id,
                FineTuneRow.evaluation_file_id == training_file_id,
            )
        )
        return (await self._session.scalars(query)).all()

    async def using(self, vocabulary_id: str) -> Sequence[str]:
        """Ids of the fine-tunes whose models look identifiers up in a vocabulary."""
        # The JSON as text: an id is in no other string. Each database has functions of its own.
        listed = cast(FineTuneRow.vocabularies, String)
        query = select(FineTuneRow.id).where(listed.contains(vocabulary_id, autoescape=True))
        return (await self._session.scalars(query)).all()

    async def with_status(self, statuses: Sequence[str]) -> Sequence[str]:
        """Ids of the fine-tunes in one of these states."""
        query = select(FineTuneRow.id).where(FineTuneRow.status.in_(statuses))
        return (await self._session.scalars(query)).all()

    async def oldest(self, backend: str, statuses: Sequence[str]) -> datetime | None:
        """When the oldest fine-tune on a backend in one of these states was created."""
        query = select(func.min(FineTuneRow.created_at)).where(
            FineTuneRow.backend == backend, FineTuneRow.status.in_(statuses)
        )
        return await self._session.scalar(query)

    def add_event(self, row: FineTuneEventRow) -> None:
        """Insert an event."""
        self._session.add(row)

    async def last_event(self, fine_tune_id: str) -> int:
        """Sequence of the last event, 0 if there is none."""
        query = select(func.max(FineTuneEventRow.sequence)).where(
            FineTuneEventRow.fine_tune_id == fine_tune_id
        )
        return await self._session.scalar(query) or 0

    async def events(self, fine_tune_id: str, after: int, limit: int) -> Sequence[FineTuneEventRow]:
        """Events in order."""
        query = (
            select(FineTuneEventRow)
            .where(FineTuneEventRow.fine_tune_id == fine_tune_id, FineTuneEventRow.sequence > after)
            .order_by(FineTuneEventRow.sequence)
            .limit(limit)
        )
        return (await self._session.scalars(query)).all()

    async def count_events(self, fine_tune_id: str, kind: str) -> int:
        """How many events of one type there are."""
        query = select(func.count()).where(
            FineTuneEventRow.fine_tune_id == fine_tune_id, FineTuneEventRow.type == kind
        )
        return await self._session.scalar(query) or 0

    def add_metrics(self, rows: Sequence[FineTuneMetricRow]) -> None:
        """Insert points of the training curve."""
        self._session.add_all(rows)

    async def metric_count(self, fine_tune_id: str) -> int:
        """How many points are stored."""
        query = select(func.max(FineTuneMetricRow.sequence)).where(
            FineTuneMetricRow.fine_tune_id == fine_tune_id
        )
        return await self._session.scalar(query) or 0

    async def clear_metrics(self, fine_tune_id: str) -> None:
        """Forget the training curve: the training begins anew."""
        await self._session.execute(
            delete(FineTuneMetricRow).where(FineTuneMetricRow.fine_tune_id == fine_tune_id)
        )

    async def metrics(
        self, fine_tune_id: str, after: int, limit: int
    ) -> Sequence[FineTuneMetricRow]:
        """Points of the training curve in order."""
        query = (
            select(FineTuneMetricRow)
            .where(
                FineTuneMetricRow.fine_tune_id == fine_tune_id, FineTuneMetricRow.sequence > after
            )
            .order_by(FineTuneMetricRow.sequence)
            .limit(limit)
        )
        return (await self._session.scalars(query)).all()

    async def models(self, fine_tune_id: str) -> Sequence[ModelRow]:
        """The models it ended in: one or none."""
        query = select(ModelRow).where(ModelRow.fine_tune_id == fine_tune_id)
        return (await self._session.scalars(query)).all()

    async def delete(self, row: FineTuneRow) -> None:
        """Remove a fine-tune with its events and metrics."""
        await self._session.delete(row)
        await self._session.flush()
