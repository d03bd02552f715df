"""The one place where a batch changes its status, starts shards and ends, in one transaction."""

import asyncio
from collections.abc import Sequence
from typing import Any

from app.extraction_batches.repository import BatchRepository
from app.extraction_batches.sizing import window
from app.extraction_batches.states import ACTIVE, TERMINAL, TRANSITIONS, ShardStatus, Status
from app.notifications.service import Notifications
from app.platform.clock import now
from app.platform.errors import ApiError, not_found
from app.platform.work import Work
from app.tables import ExtractionBatchEventRow, ExtractionBatchRow, ExtractionShardRow

SHARD_JOB = "extraction_shard"


class Ledger:
    """Status, events and shards of batches; the batch's row is locked by whoever changes them."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.rows = BatchRepository(work.session)

    async def row(self, batch_id: str) -> ExtractionBatchRow:
        """The row, to be read. Raises ApiError `not_found`."""
        return _there(await self.rows.get(batch_id), batch_id)

    async def locked(self, batch_id: str) -> ExtractionBatchRow:
        """The row, to be changed. Raises ApiError `not_found`."""
        return _there(await self.rows.lock(batch_id), batch_id)

    async def move(
        self, row: ExtractionBatchRow, following: Status, data: dict[str, Any] | None = None
    ) -> None:
        """Change the status along the table, and write it down. Raises ApiError `conflict`."""
        if following not in TRANSITIONS[Status(row.status)]:
            raise ApiError("conflict", f"A {row.status} batch cannot become {following}.")
        row.status = following.value
        if following in TERMINAL:
            row.finished_at = now()
        await self.event(row, data)
        if following in TERMINAL:
            await Notifications(self._work).announce(row)

    async def event(self, row: ExtractionBatchRow, data: dict[str, Any] | None = None) -> None:
        """Write down that it has the status it has."""
        await self.rows.add_event(
            ExtractionBatchEventRow(
                batch_id=row.id,
                sequence=await self.rows.last_event(row.id) + 1,
                at=now(),
                type=row.status,
                data=data or {},
            )
        )

    async def feed(self, row: ExtractionBatchRow) -> None:
        """Start as many shards of a running batch as there is room for."""
        settings = self._work.settings
        workers = 1
        if self._work.jobs.workers is not None:
            workers = max(1, await self.rows.workers(settings.worker_lost_seconds))
        room = window(workers) - await self.rows.count(row.id, ACTIVE)
        if room <= 0:
            return
        for shard in await self.rows.next_waiting(row.id, room):
            shard.status = ShardStatus.QUEUED.value
            self._work.start_job(SHARD_JOB, shard.id)

    async def stop(self, row: ExtractionBatchRow) -> None:
        """Begin no more shards; the batch ends when those at work have stopped."""
        await self.rows.cancel_shards(row.id)
        await self.move(row, Status.CANCELLING, _why(row))
        await self.settle(row)

    async def settle(self, row: ExtractionBatchRow) -> None:
        """End the batch if nothing of it is at work or waits, else start what comes next."""
        if row.status == Status.RUNNING:
            if row.succeeded + row.failed < (row.documents or 0):
                await self.feed(row)
            else:
                data = {"succeeded": row.succeeded, "failed": row.failed}
                await self.move(row, Status.SUCCEEDED, data)
        elif row.status == Status.CANCELLING and not await self.rows.count(row.id, ACTIVE):
            ended = Status.CANCELLED if row.error_code is None else Status.FAILED
            await self.move(row, ended, _why(row))

    def remove_blobs(self, keys: Sequence[str]) -> None:
        """Delete blobs once this is committed."""

        async def remove() -> None:
            for key in keys:
                await asyncio.to_thread(self._work.blobs.delete, key)

        self._work.after_commit(remove)

    def forget_texts(self, row: ExtractionBatchRow, shards: Sequence[ExtractionShardRow]) -> None:
        """Delete the texts of shards that have ended, if they are not to be kept, once this is
        committed; what a crash leaves of them `forgetting` finds."""
        if not row.store_text:
            self.remove_blobs(texts_of(shards))

    def drop_copy(self, key: str) -> None:
        """Keep no copy of a blob on this machine once this is committed: another one may be the
        one that deletes it."""

        async def drop() -> None:
            await asyncio.to_thread(self._work.blobs.objects.drop_copy, key)

        self._work.after_commit(drop)

    def remove_all_blobs(self, batch_id: str) -> None:
        """Delete all blobs of a batch once this is committed."""

        async def remove() -> None:
            await asyncio.to_thread(self._work.blobs.delete_owner, batch_id)

        self._work.after_commit(remove)


def texts_of(shards: Sequence[ExtractionShardRow]) -> list[str]:
    """The blobs of their texts; where no line could be read they are their own results."""
    return [each.input_blob for each in shards if each.input_blob not in ("", each.result_blob)]


def _why(row: ExtractionBatchRow) -> dict[str, Any]:
    return {} if row.error_code is None else {"code": row.error_code}


def _there(row: ExtractionBatchRow | None, batch_id: str) -> ExtractionBatchRow:
    if row is None:
        raise not_found("extraction batch", batch_id)
    return row
