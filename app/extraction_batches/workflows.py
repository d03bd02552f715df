"""The jobs of a batch: one cuts its input into shards, one for each shard asks the model.

The first starts some shards, and the end of each starts the next, so that the job engine never
holds all of a large batch. A shard's results are stored once, whole; one that was cut off is begun
anew. Only then, in a step of its own, is what a backend keeps of a shard dropped: until the results
are stored they may have to be had again. What a crash left unstarted, the sweep of the job engine
finds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import structlog

from app.backends.base import BackendError, ExtractsBatches
from app.backends.registry import Backends
from app.extraction_batches.asking import Asking, Patience
from app.extraction_batches.cutting import CutResult, cut, read_pieces
from app.extraction_batches.entries import Entry, Fault, read
from app.extraction_batches.job_side import Ended, JobSide, Plan
from app.extraction_batches.ledger import SHARD_JOB
from app.extraction_batches.lines import Presenter, Results, failure
from app.extraction_batches.repository import BatchRepository
from app.extraction_batches.service import JOB
from app.extractions.service import options_for, refusal_of
from app.models.service import resolve
from app.platform.database import AWAY
from app.platform.errors import ApiError
from app.platform.jobs import JobError, JobKind, patiently
from app.platform.lines import iterate
from app.platform.processes import in_process
from app.platform.work import Platform
from app.terminology.concepts import VocabularyError
from app.vocabularies.service import unreadable

LOOK_SECONDS = 1.0
QUEUE = "batches"
CUT_AT_ONCE = 2
_SHARDS_A_TRANSACTION = 1000
_DROP_PAUSES = (1.0, 4.0, 15.0)  # seconds

Answer = TypeVar("Answer")
log = structlog.get_logger(__name__)


class _UnwantedError(Exception):
    """The batch has been cancelled or deleted, or has ended otherwise."""


def batch_job(platform: Platform) -> JobKind:
    """The job that reads the input of a batch."""

    async def prepare(batch_id: str) -> None:
        async with platform.work(write=True) as work:
            request = await JobSide(work).begin(batch_id)
        if request is None:
            await clear(batch_id)  # whoever was at it before may have been killed
            return

        async def wanted() -> bool:
            async with platform.work(write=False) as work:
                return await JobSide(work).prepares(batch_id)

        try:
            result = await _while(in_process(cut, request), wanted)
            if result.fault is not None:
                raise JobError(*result.fault)
            await _add_shards(platform, batch_id, result)
        except FileNotFoundError:
            # The upload is gone: another process has read it, or it was cancelled.
            if await wanted():
                raise
        except _UnwantedError:
            await clear(batch_id)

    async def clear(batch_id: str) -> None:
        """Remove what has been written of a batch that nothing will come of."""
        async with platform.work(write=False) as work:
            abandoned = await JobSide(work).abandoned(batch_id)
        if abandoned:
            await platform.blobs.discard(batch_id)

    async def fail(batch_id: str, code: str, message: str) -> None:
        async with platform.work(write=True) as work:
            await JobSide(work).fail(batch_id, code, message)

    async def unfinished() -> Sequence[str]:
        async with platform.work(write=False) as work:
            return await JobSide(work).in_preparation()

    return JobKind(JOB, QUEUE, [prepare], fail, unfinished)


def shard_job(platform: Platform, backends: Backends) -> JobKind:
    """The job that asks the model about the texts of a shard."""

    async def queue_name(shard_id: str) -> str:
        async with platform.work(write=False) as work:
            return queue_of(await BatchRepository(work.session).backend_of(shard_id) or "local")

    async def extract(shard_id: str) -> None:
        async with platform.work(write=True) as work:
            plan = await JobSide(work).begin_shard(shard_id)
        if plan is None:
            return

        async def wanted() -> bool:
            async with platform.work(write=False) as work:
                return await JobSide(work).wanted(shard_id)

        try:
            if not plan.wanted:  # it was cancelled while the process that had begun it was gone
                raise _UnwantedError
            results = await _while(_extracted(platform, backends, shard_id, plan), wanted)
            await _store(platform, shard_id, plan.batch_id, results)
        except _UnwantedError:
            await _drop_batch(backends, plan.backend, shard_id)
            await _drop(platform, shard_id)
        except ApiError as error:
            if error.code == "storage_unavailable":
                raise  # the job engine waits for it: no reason to end the batch
            async with platform.work(write=True) as work:
                await JobSide(work).stop(plan.batch_id, error.code, f"{error.detail} {error.hint}")
            await _drop(platform, shard_id)

    async def tidy(shard_id: str) -> None:
        """Have no text of it left at its backend, now that all that came of it is stored."""
        async with platform.work(write=False) as work:
            backend = await BatchRepository(work.session).backend_of(shard_id)
        # Of a batch that has been deleted meanwhile nobody knows whom it was put to.
        for name in [backend] if backend else [name for name, _ in backends]:
            await _drop_batch(backends, name, shard_id)

    async def fail(shard_id: str, code: str, message: str) -> None:
        """Its documents have failed, each of them, and the batch goes on."""
        async with platform.work(write=False) as work:
            ended = await JobSide(work).broken(shard_id)
        if ended is not None:
            results = await _all_failed(platform, ended, Fault(code, message))
            await _store(platform, shard_id, ended.batch_id, results)
        await tidy(shard_id)

    async def unfinished() -> Sequence[str]:
        async with platform.work(write=False) as work:
            running = await JobSide(work).running()
        for batch_id in running:
            async with platform.acting_for(batch_id), platform.work(write=True) as work:
                await JobSide(work).feed(batch_id)
        async with platform.work(write=False) as work:
            return await JobSide(work).active_shards()

    return JobKind(SHARD_JOB, queue_name, [extract, tidy], fail, unfinished)


def queue_of(backend: str) -> str:
    """Where shards wait that a backend is asked about."""
    return f"extract-{backend}"


async def _add_shards(platform: Platform, batch_id: str, result: CutResult) -> None:
    pieces = read_pieces(iterate([await platform.blobs.local(result.listed)]))
    while page := list(islice(pieces, _SHARDS_A_TRANSACTION)):
        async with platform.work(write=True) as work:
            if not await JobSide(work).add(batch_id, page):
                raise _UnwantedError
    async with platform.work(write=True) as work:
        await JobSide(work).ready(batch_id, result.documents, result.listed)


async def _extracted(platform: Platform, backends: Backends, shard_id: str, plan: Plan) -> Results:
    """What comes of a shard. Raises ApiError if no text of the batch can be answered."""
    model = await resolve(platform, backends, plan.model)
    asking = Asking(
        reference=shard_id,
        model=model,
        tasks=plan.tasks,
        options=await options_for(platform, model, plan.options),
        patience=Patience(plan.patience),
        telemetry=platform.telemetry,
    )
    entries = await asyncio.to_thread(_read, await platform.blobs.local(plan.input_blob))
    try:
        answers = await asking.answers([each.text for each in entries if each.fault is None])
    except BackendError as error:
        raise await refusal_of(platform, model, error) from None
    except VocabularyError as error:
        raise unreadable(error) from None
    presenter = Presenter(model.id, plan.tasks, plan.options, plan.store_text)
    return await asyncio.to_thread(presenter.results, entries, answers)


def _read(path: Path) -> list[Entry]:
    return list(read(iterate([path])))


async def _all_failed(platform: Platform, ended: Ended, fault: Fault) -> Results:
    try:
        entries = await asyncio.to_thread(_read, await platform.blobs.local(ended.input_blob))
        named = [(each.index, each.id, each.fault or fault) for each in entries]
    except FileNotFoundError:
        last = ended.first + ended.documents
        named = [(index, str(index), fault) for index in range(ended.first, last)]
    return Results(lines=[failure(*each) for each in named], failed=len(named))


async def _store(platform: Platform, shard_id: str, batch_id: str, results: Results) -> None:
    """Store results, once; those that another process was quicker with are removed again.

    Raises ApiError `storage_full`.
    """
    lines = b"".join(results.lines)

    async def store() -> None:
        async with platform.blobs.writer(batch_id) as out:
            await asyncio.to_thread(out.write, lines)
        async with platform.work(write=True) as work:
            wanted = await JobSide(work).finish_shard(shard_id, results, out.key)
        if not wanted:
            await asyncio.to_thread(platform.blobs.delete, out.key)
            return
        done = len(results.lines) - results.failed
        platform.telemetry.metrics.batch_documents(done, results.failed)

    # By itself: the whole step, done again, would ask the model again.
    await patiently(store, shard_id, platform.settings.database_patience_seconds)


async def _drop_batch(backends: Backends, name: str, shard_id: str) -> None:
    """Have a backend keep nothing of a shard; one that is away for long keeps it."""
    backend = backends.find(name)
    if not isinstance(backend, ExtractsBatches):
        return
    for pause in (*_DROP_PAUSES, None):
        try:
            await backend.drop_batch(shard_id)
            return
        except BackendError as error:
            if pause is None or not error.retryable:
                log.warning("batch_not_dropped", backend=name, id=shard_id, code=error.code)
                return
            await asyncio.sleep(pause)


async def _drop(platform: Platform, shard_id: str) -> None:
    async with platform.work(write=True) as work:
        await JobSide(work).drop_shard(shard_id)


async def _while(
    doing: Coroutine[Any, Any, Answer], wanted: Callable[[], Awaitable[bool]]
) -> Answer:
    """The outcome of something long; _UnwantedError as soon as it is wanted no more."""
    task = asyncio.create_task(doing)
    try:
        while not (await asyncio.wait({task}, timeout=LOOK_SECONDS))[0]:
            # What has been done, and may have been paid for, is not given up for a database that
            # is away.
            with suppress(*AWAY):
                if not await wanted():
                    raise _UnwantedError
        return task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
