"""Jobs that read and write files: their work is done in a process of its own.

A process of its own keeps the event loop free, and the service whole should the work run out of
memory. It ends with its parent, however that ends, and the job is simply begun anew. How far it is
is stored now and then: no job waits for that, or fails of it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

import structlog
from anyio import BrokenWorkerProcess, to_process

from app.platform.errors import ApiError
from app.platform.jobs import JobError, JobKind
from app.platform.objects import storage_errors
from app.platform.parents import mortal
from app.platform.progress import EVERY_SECONDS, Note, Tell, noting
from app.platform.work import Platform, Work

log = structlog.get_logger(__name__)

Request = TypeVar("Request")
Result = TypeVar("Result")
RequestOut = TypeVar("RequestOut", covariant=True)
ResultIn = TypeVar("ResultIn", contravariant=True)


class Rows(Protocol[RequestOut, ResultIn]):
    """A room's service, as far as such a job needs it."""

    async def job_request(self, row_id: str) -> RequestOut | None:
        """What is to be done; None if nothing is left to do."""

    async def advance(self, row_id: str, share: float) -> None:
        """Store how much is done, 0 to 1, unless it has ended or was further before."""

    async def finish(self, row_id: str, result: ResultIn) -> None:
        """Store what came of it. Safe to repeat."""

    async def fail(self, row_id: str, code: str, message: str) -> None:
        """Store why nothing came of it. Safe to repeat."""

    async def unfinished(self) -> Sequence[str]:
        """Ids of rows whose job has not ended."""


def process_job(
    name: str,
    platform: Platform,
    rows: Callable[[Work], Rows[Request, Result]],
    work_of: Callable[[Request, Tell], Result],
) -> JobKind:
    """A job of one step: read what to do, do it in another process, store the result."""

    async def advance(row_id: str, share: float) -> None:
        async with platform.work(write=True) as work:
            await rows(work).advance(row_id, share)

    async def run_in_process(row_id: str) -> None:
        async with platform.work(write=False) as work:
            request = await rows(work).job_request(row_id)
        if request is None:
            return
        path = platform.scratch / "progress" / row_id
        noted = partial(noting, work_of, path)
        result = await _followed(in_process(noted, request), Note(path), partial(advance, row_id))
        async with platform.work(write=True) as work:
            await rows(work).finish(row_id, result)

    async def fail(row_id: str, code: str, message: str) -> None:
        async with platform.work(write=True) as work:
            await rows(work).fail(row_id, code, message)

    async def unfinished() -> Sequence[str]:
        async with platform.work(write=False) as work:
            return await rows(work).unfinished()

    return JobKind(name, "short", [run_in_process], fail, unfinished)


async def in_process(work_of: Callable[[Request], Result], request: Request) -> Result:
    """What `work_of` makes of the request, in a process that ends when this is cancelled.

    Raises JobError if the process ends without a result or the blob store fails it, and what
    `work_of` raises.
    """
    try:
        with storage_errors():
            return await to_process.run_sync(mortal, work_of, request, cancellable=True)
    except ApiError as error:
        raise JobError(error.code, error.detail) from None
    # The latter if it ends before it has begun: anyio tries to kill it, and uvloop finds it gone.
    except (BrokenWorkerProcess, ProcessLookupError):
        message = "The process at work ended without a result; it may have run out of memory."
        raise JobError("process_ended", message) from None


async def _followed(
    work: Awaitable[Result], note: Note, store: Callable[[float], Awaitable[None]]
) -> Result:
    """What the work gives; meanwhile what it notes is stored."""
    await asyncio.to_thread(note.lay_out)
    ended = asyncio.Event()

    async def follow() -> None:
        last = 0.0
        while not await _set_within(ended, EVERY_SECONDS):
            share = await asyncio.to_thread(note.read)
            if share <= last:
                continue
            try:
                await store(share)
            except Exception as error:
                # The next one will do: the database may be away, which the job itself waits for.
                log.warning("progress_not_stored", error=type(error).__name__)
            else:
                last = share

    follower = asyncio.create_task(follow())
    try:
        return await work
    finally:
        ended.set()
        await follower  # never cut off in the middle of its transaction
        await asyncio.to_thread(note.remove)


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
