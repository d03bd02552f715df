"""Extraction batches: create, read, cancel, delete."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.backends.registry import Backends
from app.datasets.service import Datasets
from app.extraction_batches.ledger import Ledger
from app.extraction_batches.present import present
from app.extraction_batches.repository import BatchRepository
from app.extraction_batches.schemas import (
    BatchEvent,
    BatchRequest,
    DatasetBatchRequest,
    ExtractionBatch,
)
from app.extraction_batches.sizing import texts_per_shard
from app.extraction_batches.states import READING, TERMINAL, Status
from app.extractions.service import OffsetUnit, annotate, check_tasks, options_for
from app.models.service import Models, ResolvedModel, resolve
from app.notifications.service import Notifications
from app.platform.clock import new_id, now
from app.platform.errors import ApiError
from app.platform.leftovers import of_owners
from app.platform.lineage import Link
from app.platform.pagination import Page, decode_id, decode_offset, encode_cursor
from app.platform.unfinished import check_room
from app.platform.uploads import UploadedFile
from app.platform.work import Platform, Work
from app.prompts.tasks import Task
from app.tables import ExtractionBatchRow
from app.vocabularies.service import Vocabularies

JOB = "extraction_batch"
_UNFINISHED = [status.value for status in Status if status not in TERMINAL]
_RATED_SHARDS = 20


@dataclass(frozen=True, slots=True)
class Finished:
    """A batch that has ended: what its results are read by."""

    id: str
    offset_unit: OffsetUnit
    store_text: bool


class ExtractionBatches:
    """The extraction batches room's operations within one unit of work."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._ledger = Ledger(work)
        self._rows = self._ledger.rows

    async def create_from_upload(
        self, batch_id: str, request: BatchRequest, file: UploadedFile, backends: Backends
    ) -> ExtractionBatch:
        """Register an upload and have its texts extracted from.

        Raises ApiError as `check`, and `too_many_jobs`.
        """
        await check_room(self._work)
        row = await self._new(batch_id, request, backends)
        row.input_blob, row.input_bytes = file.blob, file.bytes
        if not row.store_text:
            self._ledger.drop_copy(file.blob)
        return await self._start(row)

    async def create_from_dataset(
        self, request: DatasetBatchRequest, backends: Backends
    ) -> ExtractionBatch:
        """Have the documents of a dataset extracted from.

        Raises ApiError as `check`, and `not_found`, `dataset_not_ready`, `unknown_split`,
        `too_many_jobs`.
        """
        await check_room(self._work)
        sources = await Datasets(self._work).split_sources(request.dataset_id, request.wanted)
        row = await self._new(new_batch_id(), request, backends)
        row.dataset_id, row.splits = request.dataset_id, [source.name for source in sources]
        if not row.store_text:
            row.input_blob = row.id  # a reminder: its texts are in shards only
        return await self._start(row)

    async def get(self, batch_id: str) -> ExtractionBatch:
        """One batch. Raises ApiError `not_found`."""
        return await self._present(await self._ledger.row(batch_id))

    async def page(
        self, status: Status | None, cursor: str | None, limit: int
    ) -> Page[ExtractionBatch]:
        """Batches, newest first."""
        rows = await self._rows.page(status, decode_id(cursor, "bat"), limit + 1)
        more = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
        items = [await self._present(row) for row in rows[:limit]]
        return Page(items=items, next_cursor=more)

    async def events(self, batch_id: str, cursor: str | None, limit: int) -> Page[BatchEvent]:
        """What happened, in order. Raises ApiError `not_found`, `invalid_cursor`."""
        row = await self._ledger.row(batch_id)
        events = await self._rows.events(row.id, decode_offset(cursor), limit + 1)
        more = encode_cursor(events[limit - 1].sequence) if len(events) > limit else None
        items = [BatchEvent.model_validate(e, from_attributes=True) for e in events[:limit]]
        return Page(items=items, next_cursor=more)

    async def cancel(self, batch_id: str) -> ExtractionBatch:
        """Begin nothing more; what is done is kept. Safe to repeat.

        Raises ApiError `not_found`, `not_cancellable`.
        """
        row = await self._ledger.locked(batch_id)
        if row.status in READING:
            if row.store_text:
                row.input_blob = None
            await self._rows.cancel_shards(row.id)
            await self._ledger.move(row, Status.CANCELLED)
            self._ledger.remove_all_blobs(row.id)
        elif row.status == Status.RUNNING:
            await self._ledger.stop(row)
        elif row.status not in (Status.CANCELLING, Status.CANCELLED):
            raise ApiError("not_cancellable", f"The batch has {row.status}.")
        return await self._present(row)

    async def delete(self, batch_id: str) -> None:
        """Remove a batch that has ended. Raises ApiError `not_found`, `conflict`."""
        row = await self._ledger.locked(batch_id)
        if Status(row.status) not in TERMINAL:
            raise ApiError("conflict", f"The batch {row.id} is {row.status}: cancel it first.")
        await self._rows.delete(row)
        self._ledger.remove_all_blobs(batch_id)

    async def finished(self, batch_id: str) -> Finished:
        """For reading its results. Raises ApiError `not_found`, `batch_not_finished`."""
        row = await self._ledger.row(batch_id)
        if Status(row.status) not in TERMINAL:
            raise ApiError("batch_not_finished", f"The batch's status is {row.status}.")
        return Finished(row.id, row.options["options"]["offset_unit"], row.store_text)

    async def blobs_in_use(self, keys: Sequence[str]) -> set[str]:
        """Of these blobs those that a row names, and all of a row whose job has not ended."""
        unfinished = [status.value for status in Status if status not in TERMINAL]
        kept = of_owners(keys, await self._rows.with_status(unfinished))
        return kept | await self._rows.named_blobs(keys)

    async def _new(
        self, batch_id: str, request: BatchRequest, backends: Backends
    ) -> ExtractionBatchRow:
        model = await Models(self._work, backends).resolve(request.model)
        tasks = tasks_of(request, model)
        options = request.options
        if options.vocabularies is not None:
            vocabularies = Vocabularies(self._work)
            await vocabularies.hold()
            ids = await vocabularies.ready(options.vocabularies, "/options/vocabularies")
            options = options.model_copy(update={"vocabularies": ids})
        settings, backend = self._work.settings, model.backend.name
        limit = settings.calls_per_minute(backend)
        return ExtractionBatchRow(
            id=batch_id,
            name=request.name or batch_id,
            asked=request.model,
            model=model.id,
            backend=backend,
            tasks=[task.value for task in Task if task in tasks],
            options={
                "options": options.model_dump(mode="json"),
                # For good: the same input is always cut into the same shards.
                "shard_documents": texts_per_shard(settings.shard_documents, len(tasks), limit),
            },
            store_text=settings.store_text if request.store_text is None else request.store_text,
            status=Status.QUEUED.value,
            succeeded=0,
            failed=0,
            input_tokens=0,
            output_tokens=0,
            notify=await Notifications(self._work).targets(request.notify),
            created_at=now(),
        )

    async def _start(self, row: ExtractionBatchRow) -> ExtractionBatch:
        await self._rows.add(row)
        await self._ledger.event(row)
        self._work.start_job(JOB, row.id)
        return await self._present(row)

    async def _present(self, row: ExtractionBatchRow) -> ExtractionBatch:
        return present(row, await self._rows.last_done(row.id, _RATED_SHARDS))


async def check(platform: Platform, backends: Backends, request: BatchRequest) -> None:
    """Refuse what `POST /v1/extractions` would refuse, before anything is stored.

    Raises ApiError `model_not_found`, `model_not_ready`, `retired`, `capability_unavailable`,
    `backend_unavailable`, `vocabulary_not_ready`, `min_precision_unavailable`, `invalid_request`.
    """
    model = await resolve(platform, backends, request.model)
    if not model.backend.configured:
        said = f"The backend {model.backend.name} is not configured."
        raise ApiError("backend_unavailable", said, hint=model.backend.setup_hint)
    tasks = tasks_of(request, model)
    options = await options_for(platform, model, request.options)
    if options.min_precision is not None:
        await annotate(platform, model, [], tasks, options)


def tasks_of(request: BatchRequest, model: ResolvedModel) -> frozenset[Task]:
    """The tasks asked for, or all of the model. Raises ApiError `capability_unavailable`."""
    if request.tasks is None:
        return model.tasks
    check_tasks(model, frozenset(request.tasks))
    return frozenset(request.tasks)


def new_batch_id() -> str:
    """An id for a batch to come; its upload is stored under it."""
    return new_id("bat")


async def _built_from(work: Work, dataset_id: str) -> Sequence[str]:
    return await BatchRepository(work.session).of_dataset(dataset_id)


async def _delete(work: Work, batch_id: str) -> None:
    await ExtractionBatches(work).delete(batch_id)


async def _using(work: Work, vocabulary_id: str) -> Sequence[str]:
    # One that has ended no longer needs it.
    return await BatchRepository(work.session).using(vocabulary_id, _UNFINISHED)


LINK = Link("dataset", "extraction batch", _built_from, _delete)
VOCABULARY_LINK = Link("vocabulary", "extraction batch", _using, _delete)
