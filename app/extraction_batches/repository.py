"""Rows of extraction batches, of their shards and of what happened to them."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import String, cast, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.extraction_batches.cutting import Piece
from app.extraction_batches.states import ACTIVE, ENDED, ShardStatus, Status
from app.platform.clock import new_id
from app.platform.leftovers import owners_of
from app.platform.row_locks import locked
from app.tables import (
    ExtractionBatchEventRow,
    ExtractionBatchRow,
    ExtractionShardRow,
    WorkerRow,
)

_SHARD = ExtractionShardRow


class BatchRepository:
    """Reads and writes rows in the session's transaction.

    Whoever changes shards locks their batch first, so that its counts and its end are right.
    """

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, row: ExtractionBatchRow) -> None:
        """Insert a batch."""
        self._session.add(row)
        await self._session.flush()

    async def get(self, batch_id: str) -> ExtractionBatchRow | None:
        """One batch."""
        return await self._session.get(ExtractionBatchRow, batch_id)

    async def lock(self, batch_id: str) -> ExtractionBatchRow | None:
        """The same, as it is now, and no one else changes it until the transaction ends."""
        return await locked(self._session, ExtractionBatchRow, batch_id)

    async def page(
        self, status: str | None, after: str | None, limit: int
    ) -> Sequence[ExtractionBatchRow]:
        """Batches, newest first."""
        query = select(ExtractionBatchRow).order_by(ExtractionBatchRow.id.desc()).limit(limit)
        if status is not None:
            query = query.where(ExtractionBatchRow.status == status)
        if after is not None:
            query = query.where(ExtractionBatchRow.id < after)
        return (await self._session.scalars(query)).all()

    async def with_status(self, statuses: Sequence[str]) -> Sequence[str]:
        """Ids of the batches in one of these states."""
        query = select(ExtractionBatchRow.id).where(ExtractionBatchRow.status.in_(statuses))
        return (await self._session.scalars(query)).all()

    async def of_dataset(self, dataset_id: str) -> Sequence[str]:
        """Ids of the batches over a dataset."""
        query = select(ExtractionBatchRow.id).where(ExtractionBatchRow.dataset_id == dataset_id)
        return (await self._session.scalars(query)).all()

    async def using(self, vocabulary_id: str, statuses: Sequence[str]) -> Sequence[str]:
        """Ids of the batches in one of these states that name a vocabulary."""
        # The JSON as text: an id is in no other string. Each database has functions of its own.
        named = cast(ExtractionBatchRow.options, String).contains(vocabulary_id, autoescape=True)
        query = select(ExtractionBatchRow.id).where(named, ExtractionBatchRow.status.in_(statuses))
        return (await self._session.scalars(query)).all()

    async def delete(self, row: ExtractionBatchRow) -> None:
        """Remove a batch; the database removes its shards and events."""
        await self._session.delete(row)
        await self._session.flush()

    async def named_blobs(self, keys: Sequence[str]) -> set[str]:
        """Of these blobs, those that shards name as their results, or as texts that are to be kept
        or still needed.

        Uploads have a name only while their batch is unfinished.
        """
        owners = owners_of(keys)
        forgetting = select(ExtractionBatchRow.id).where(
            ExtractionBatchRow.id.in_(owners), ExtractionBatchRow.store_text.is_(False)
        )
        needed = or_(_SHARD.status.not_in(ENDED), _SHARD.batch_id.not_in(forgetting))
        found: set[str] = set()
        for column, kept in ((_SHARD.input_blob, [needed]), (_SHARD.result_blob, [])):
            query = select(column).where(_SHARD.batch_id.in_(owners), column.in_(keys), *kept)
            found |= {key for key in await self._session.scalars(query) if key is not None}
        return found

    # Texts that are not to be kept

    async def with_texts_to_forget(self, reading: Collection[str]) -> Sequence[str]:
        """Ids of the batches that keep no texts, may have some still, and are not `reading` any."""
        query = select(ExtractionBatchRow.id).where(
            ExtractionBatchRow.store_text.is_(False),
            ExtractionBatchRow.input_blob.is_not(None),
            ExtractionBatchRow.status.not_in(sorted(reading)),
        )
        return (await self._session.scalars(query)).all()

    async def ended_with_texts(self, batch_id: str, limit: int) -> Sequence[ExtractionShardRow]:
        """Shards that have ended and still name their texts."""
        query = select(_SHARD).where(
            _SHARD.batch_id == batch_id, _SHARD.status.in_(ENDED), _SHARD.input_blob != ""
        )
        return (await self._session.scalars(query.limit(limit))).all()

    async def texts_gone(self, shard_ids: Sequence[str]) -> None:
        """Have shards name no texts any more."""
        await self._session.execute(
            update(_SHARD).where(_SHARD.id.in_(shard_ids)).values(input_blob="")
        )

    # Shards

    async def batch_of(self, shard_id: str) -> str | None:
        """Id of the batch of a shard."""
        return await self._session.scalar(select(_SHARD.batch_id).where(_SHARD.id == shard_id))

    async def backend_of(self, shard_id: str) -> str | None:
        """Name of the backend that is asked about a shard."""
        query = select(ExtractionBatchRow.backend).join(
            _SHARD, _SHARD.batch_id == ExtractionBatchRow.id
        )
        return await self._session.scalar(query.where(_SHARD.id == shard_id))

    async def shard(self, shard_id: str) -> ExtractionShardRow | None:
        """One shard, as it is now."""
        return await self._session.get(_SHARD, shard_id, populate_existing=True)

    async def shard_count(self, batch_id: str) -> int:
        """How many shards there are; they are added in order."""
        last = await self._session.scalar(
            select(func.max(_SHARD.position)).where(_SHARD.batch_id == batch_id)
        )
        return 0 if last is None else last + 1

    async def add_shards(self, batch_id: str, pieces: Sequence[Piece]) -> None:
        """Insert shards that wait."""
        rows = [
            {
                "id": new_id("shd"),
                "batch_id": batch_id,
                "position": piece.position,
                "first": piece.first,
                "documents": piece.documents,
                "input_blob": piece.blob,
                "status": ShardStatus.WAITING.value,
                "succeeded": 0,
                "failed": 0,
            }
            for piece in pieces
        ]
        if rows:
            await self._session.execute(insert(_SHARD), rows)

    async def active_shards(self) -> Sequence[str]:
        """Ids of all shards that should have a workflow."""
        at_work = select(ExtractionBatchRow.id).where(
            ExtractionBatchRow.status.in_([Status.RUNNING, Status.CANCELLING])
        )
        query = select(_SHARD.id).where(_SHARD.batch_id.in_(at_work), _SHARD.status.in_(ACTIVE))
        return (await self._session.scalars(query)).all()

    async def count(self, batch_id: str, statuses: Sequence[str]) -> int:
        """How many shards of a batch are in these states."""
        query = select(func.count()).where(_SHARD.batch_id == batch_id, _SHARD.status.in_(statuses))
        return await self._session.scalar(query) or 0

    async def next_waiting(self, batch_id: str, limit: int) -> Sequence[ExtractionShardRow]:
        """The first shards that wait."""
        query = (
            select(_SHARD)
            .where(_SHARD.batch_id == batch_id, _SHARD.status == ShardStatus.WAITING)
            .order_by(_SHARD.position)
            .limit(limit)
        )
        return (await self._session.scalars(query)).all()

    async def cancel_shards(self, batch_id: str) -> None:
        """End those that have not begun."""
        await self._session.execute(
            update(_SHARD)
            .where(
                _SHARD.batch_id == batch_id,
                _SHARD.status.in_([ShardStatus.WAITING, ShardStatus.QUEUED]),
            )
            .values(status=ShardStatus.CANCELLED.value)
        )

    async def last_done(self, batch_id: str, limit: int) -> Sequence[ExtractionShardRow]:
        """The shards furthest on that are done."""
        query = (
            select(_SHARD)
            .where(_SHARD.batch_id == batch_id, _SHARD.status == ShardStatus.DONE)
            .order_by(_SHARD.position.desc())
            .limit(limit)
        )
        return (await self._session.scalars(query)).all()

    async def done(
        self, batch_id: str, position: int, limit: int, *, with_failures: bool = False
    ) -> Sequence[ExtractionShardRow]:
        """Shards that are done, in order from a position on; only those with failed documents."""
        query = select(_SHARD).where(
            _SHARD.batch_id == batch_id,
            _SHARD.status == ShardStatus.DONE,
            _SHARD.position >= position,
        )
        if with_failures:
            query = query.where(_SHARD.failed > 0)
        return (await self._session.scalars(query.order_by(_SHARD.position).limit(limit))).all()

    async def workers(self, lost_seconds: float) -> int:
        """How many processes on PostgreSQL have been heard of lately, by the database's clock."""
        since = func.clock_timestamp() - timedelta(seconds=lost_seconds)
        query = select(func.count()).select_from(WorkerRow).where(WorkerRow.seen_at >= since)
        return await self._session.scalar(query) or 0

    # Events

    async def add_event(self, row: ExtractionBatchEventRow) -> None:
        """Insert an event."""
        self._session.add(row)

    async def last_event(self, batch_id: str) -> int:
        """Sequence of the last event, 0 if there is none."""
        query = select(func.max(ExtractionBatchEventRow.sequence)).where(
            ExtractionBatchEventRow.batch_id == batch_id
        )
        return await self._session.scalar(query) or 0

    async def events(
        self, batch_id: str, after: int, limit: int
    ) -> Sequence[ExtractionBatchEventRow]:
        """Events in order."""
        query = (
            select(ExtractionBatchEventRow)
            .where(
                ExtractionBatchEventRow.batch_id == batch_id,
                ExtractionBatchEventRow.sequence > after,
            )
            .order_by(ExtractionBatchEventRow.sequence)
            .limit(limit)
        )
        return (await self._session.scalars(query)).all()
