"""What the jobs of a batch do to its rows: each method is one transaction of theirs."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.corpora import unpack
from app.datasets.service import Datasets
from app.extraction_batches.cutting import CutRequest, Piece
from app.extraction_batches.ledger import Ledger
from app.extraction_batches.lines import Results
from app.extraction_batches.states import ACTIVE, READING, ShardStatus, Status
from app.extractions.service import ExtractionOptions
from app.platform.clock import now
from app.platform.work import Work
from app.prompts.tasks import Task
from app.tables import ExtractionBatchRow, ExtractionShardRow

# For a server that is away, in seconds; less when nothing of the shard before was answered either.
_PATIENCE, _LITTLE_PATIENCE = 3600.0, 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a shard's job is to do, if that is `wanted` still, or else to clear away."""

    wanted: bool
    batch_id: str
    backend: str
    model: str
    tasks: frozenset[Task]
    options: ExtractionOptions
    input_blob: str
    store_text: bool
    patience: float


@dataclass(frozen=True, slots=True)
class Ended:
    """A shard as far as its failure needs it."""

    batch_id: str
    first: int
    documents: int
    input_blob: str


class JobSide:
    """A batch as its jobs see it."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._ledger = Ledger(work)
        self._rows = self._ledger.rows

    # The batch, while its input is read

    async def begin(self, batch_id: str) -> CutRequest | None:
        """What is to be cut; None if that is done, or not wanted any more."""
        row = await self._rows.lock(batch_id)
        if row is None or row.status not in READING:
            return None
        if row.status == Status.QUEUED:
            row.started_at = now()
            await self._ledger.move(row, Status.PREPARING)
        settings, splits = self._work.settings, []
        if row.dataset_id is not None:
            sources = await Datasets(self._work).split_sources(row.dataset_id, row.splits)
            splits = [(source.name, source.blob) for source in sources]
        return CutRequest(
            batch_id=row.id,
            upload=None if row.dataset_id is not None else row.input_blob,
            splits=splits,
            size=row.options["shard_documents"],
            most=settings.max_batch_documents,
            max_characters=settings.max_text_characters,
            limits=unpack.Limits(
                total_bytes=settings.max_batch_bytes, ratio=settings.max_unpack_ratio, members=1
            ),
            blobs=self._work.blobs,
            store_text=row.store_text,
        )

    async def prepares(self, batch_id: str) -> bool:
        """Whether its input is to be read still."""
        row = await self._rows.get(batch_id)
        return row is not None and row.status == Status.PREPARING

    async def abandoned(self, batch_id: str) -> bool:
        """Whether nothing will come of it: what has been written is to be removed."""
        row = await self._rows.get(batch_id)
        if row is None:
            return True
        # Once it has been cut, what is done is kept.
        return row.documents is None and row.status in (Status.CANCELLED, Status.FAILED)

    async def add(self, batch_id: str, pieces: Sequence[Piece]) -> bool:
        """Add shards, but for those that are there; False if they are not wanted any more."""
        row = await self._rows.lock(batch_id)
        if row is None or row.status != Status.PREPARING:
            return False
        there = await self._rows.shard_count(batch_id)
        await self._rows.add_shards(batch_id, [p for p in pieces if p.position >= there])
        return True

    async def ready(self, batch_id: str, documents: int, listed: str) -> None:
        """All shards are there: start the first of them, forget the upload and their list."""
        row = await self._rows.lock(batch_id)
        if row is None or row.status != Status.PREPARING:
            return
        used = [listed]
        if row.input_blob is not None and row.dataset_id is None:
            used.append(row.input_blob)
        # An upload that is written as shards are is the same blob as its only shard.
        kept = await self._rows.named_blobs(used)
        row.documents = documents
        if row.store_text:
            row.input_blob = None
        await self._ledger.move(row, Status.RUNNING, {"documents": documents})
        await self._ledger.settle(row)
        self._ledger.remove_blobs([key for key in used if key not in kept])

    async def fail(self, batch_id: str, code: str, message: str) -> None:
        """There is no batch of this input: nothing is kept but the reason. Safe to repeat."""
        row = await self._rows.lock(batch_id)
        if row is None or row.status not in READING:
            return
        row.error_code, row.error_message = code, message
        if row.store_text:
            row.input_blob = None
        await self._rows.cancel_shards(batch_id)
        await self._ledger.move(row, Status.FAILED, {"code": code})
        self._ledger.remove_all_blobs(batch_id)

    async def in_preparation(self) -> Sequence[str]:
        """Ids of batches whose input has not been read."""
        return await self._rows.with_status([status.value for status in READING])

    # Its shards

    async def begin_shard(self, shard_id: str) -> Plan | None:
        """What is to be asked; None if that is done, or was never begun and is not wanted."""
        batch, shard = await self._locked(shard_id)
        if batch is None or shard is None or shard.status not in ACTIVE:
            return None
        if wanted := batch.status == Status.RUNNING:
            shard.status, shard.started_at = ShardStatus.RUNNING.value, now()
        before = await self._rows.last_done(batch.id, 1)
        hopeful = all(each.succeeded for each in before)
        return Plan(
            wanted=wanted,
            batch_id=batch.id,
            backend=batch.backend,
            model=batch.model,
            tasks=frozenset(map(Task, batch.tasks)),
            options=ExtractionOptions.model_validate(batch.options["options"]),
            input_blob=shard.input_blob,
            store_text=batch.store_text,
            patience=_PATIENCE if hopeful else _LITTLE_PATIENCE,
        )

    async def wanted(self, shard_id: str) -> bool:
        """Whether the shard is to be gone on with."""
        shard = await self._rows.shard(shard_id)
        if shard is None or shard.status != ShardStatus.RUNNING:
            return False
        batch = await self._rows.get(shard.batch_id)
        return batch is not None and batch.status == Status.RUNNING

    async def finish_shard(self, shard_id: str, results: Results, blob: str) -> bool:
        """Store what came of a shard, once; False if it had been stored or is not wanted.

        What comes next is started: more shards, or the end of the batch.
        """
        batch, shard = await self._locked(shard_id)
        if batch is None or shard is None or shard.status not in ACTIVE:
            return shard is not None and shard.result_blob == blob
        if batch.status != Status.RUNNING:
            shard.status, shard.finished_at = ShardStatus.CANCELLED.value, now()
            self._ledger.forget_texts(batch, [shard])
            await self._ledger.settle(batch)
            return False
        shard.status, shard.finished_at = ShardStatus.DONE.value, now()
        shard.result_blob = blob
        shard.succeeded, shard.failed = results.succeeded, results.failed
        batch.succeeded += results.succeeded
        batch.failed += results.failed
        batch.input_tokens += results.input_tokens
        batch.output_tokens += results.output_tokens
        self._ledger.forget_texts(batch, [shard])
        await self._ledger.settle(batch)
        return True

    async def stop(self, batch_id: str, code: str, message: str) -> None:
        """No text of the batch can be answered any more: what is done is kept."""
        row = await self._rows.lock(batch_id)
        if row is not None and row.status == Status.RUNNING:
            row.error_code, row.error_message = code, message
            await self._ledger.stop(row)

    async def drop_shard(self, shard_id: str) -> None:
        """A shard has stopped without results; its batch is ending."""
        batch, shard = await self._locked(shard_id)
        if batch is not None and shard is not None and shard.status in ACTIVE:
            shard.status, shard.finished_at = ShardStatus.CANCELLED.value, now()
            self._ledger.forget_texts(batch, [shard])
            await self._ledger.settle(batch)

    async def broken(self, shard_id: str) -> Ended | None:
        """A shard whose job broke down; None if it has ended."""
        shard = await self._rows.shard(shard_id)
        if shard is None or shard.status not in ACTIVE:
            return None
        return Ended(shard.batch_id, shard.first, shard.documents, shard.input_blob)

    async def running(self) -> Sequence[str]:
        """Ids of batches that shards are asked about."""
        return await self._rows.with_status([Status.RUNNING.value])

    async def feed(self, batch_id: str) -> None:
        """Start shards that a crash left unstarted."""
        row = await self._rows.lock(batch_id)
        if row is not None and row.status == Status.RUNNING:
            await self._ledger.settle(row)

    async def active_shards(self) -> Sequence[str]:
        """Ids of shards that should have a workflow."""
        return await self._rows.active_shards()

    async def _locked(
        self, shard_id: str
    ) -> tuple[ExtractionBatchRow | None, ExtractionShardRow | None]:
        batch_id = await self._rows.batch_of(shard_id)
        batch = None if batch_id is None else await self._rows.lock(batch_id)
        return batch, await self._rows.shard(shard_id)
