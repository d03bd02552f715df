"""Runs the steps of jobs: asked by threads of the job engine, done on the event loop.

A step that meets a database or a blob store that is away is taken again, for as long as patience
lasts; then the job is let go of, never failed.
"""

import asyncio
import concurrent.futures
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, TypeVar

import structlog

from app.platform.database import AWAY
from app.platform.errors import ApiError
from app.platform.job_kinds import JobError, JobInterruptedError
from app.platform.row_owners import ActingFor
from app.platform.telemetry import Telemetry

log = structlog.get_logger(__name__)

_PAUSE_SECONDS = 1.0  # the first one; each is twice as long as the one before
_LONGEST_PAUSE_SECONDS = 10.0

Answer = TypeVar("Answer")
Step = Callable[[str], Awaitable[None]]


class _GivenUpError(Exception):
    """What a step needs was away for longer than patience lasts."""


class Steps:
    """The steps that run in this process, each for the workspace of its row.

    `given_up` are the rows whose jobs are to be let go of: their steps have waited in vain, or were
    cut off.
    """

    def __init__(
        self, patience_seconds: float, acting_for: ActingFor, telemetry: Telemetry | None = None
    ) -> None:
        self._patience = patience_seconds
        self._acting_for = acting_for
        self._telemetry = telemetry or Telemetry()
        self._running: set[asyncio.Task[Any]] = set()  # touched on the event loop alone
        self._stopped = False
        self.given_up: set[str] = set()

    def begin(self) -> None:
        """Run them on the event loop of the caller."""
        self._loop = asyncio.get_running_loop()
        self._stopped = False

    def stop(self) -> None:
        """Begin no more; what runs goes on."""
        self._stopped = True

    async def ended(self, within_seconds: float | None = None) -> None:
        """Wait until none runs, or for so long."""
        if self._running:
            await asyncio.wait(self._running, timeout=within_seconds)

    def cut_off(self) -> None:
        """Cancel all that run: each rolls back what it was at, and its job is let go of."""
        for task in self._running:
            task.cancel()

    def run(self, step: Step, row_id: str, kind: str = "") -> list[str] | None:
        """Run a step to its end, from a thread; gives [code, message] if it failed.

        Raises JobInterruptedError if the job is let go of.
        """
        if self._stopped:
            raise JobInterruptedError
        with self._telemetry.step(kind, step.__name__) as outcome:
            failed = self._run(step, row_id)
            outcome.what = "failed" if failed else "done"
            if failed:
                outcome.failed(failed[0])
            return failed

    def _run(self, step: Step, row_id: str) -> list[str] | None:
        future = asyncio.run_coroutine_threadsafe(self._held(step, row_id), self._loop)
        try:
            return list(future.result()) or None
        except concurrent.futures.CancelledError:
            if not self._stopped:  # at the end of the process all it has is given back
                self.given_up.add(row_id)
            raise JobInterruptedError from None
        except _GivenUpError:
            log.error("job_given_up", id=row_id)  # noqa: TRY400 - the cause was logged each time
            self.given_up.add(row_id)
            raise JobInterruptedError from None

    async def _held(self, step: Step, row_id: str) -> Sequence[str]:
        """Run a step where it can be cut off, unless all that run have been already."""
        if self._stopped:
            raise JobInterruptedError
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            return await self._attempt(step, row_id)
        finally:
            self._running.discard(task)

    async def _attempt(self, step: Step, row_id: str) -> Sequence[str]:
        try:
            await patiently(lambda: self._act(step, row_id), row_id, self._patience)
        except Exception as error:
            if _is_away(error):
                raise _GivenUpError from error
            if isinstance(error, JobError):
                return error.code, error.message
            log.exception("job_step_broke", id=row_id, step=step.__name__)
            return "internal_error", "Something broke on our side; the log has the cause."
        return ()

    async def _act(self, step: Step, row_id: str) -> None:
        async with self._acting_for(row_id):
            await step(row_id)


async def patiently(
    action: Callable[[], Awaitable[Answer]], row_id: str, patience_seconds: float
) -> Answer:
    """Do it, and again while the database or the blob store is away.

    Raises what was raised last when patience is over.
    """
    for pause in _pauses(patience_seconds):
        try:
            return await action()
        except Exception as error:
            if not _is_away(error):
                raise
            log.warning("job_waits", id=row_id, error=type(error).__name__)
        await asyncio.sleep(pause)
    return await action()


def _is_away(error: Exception) -> bool:
    """Whether the database or the blob store did not answer: they may in a moment."""
    if isinstance(error, ApiError | JobError):
        return error.code == "storage_unavailable"
    return isinstance(error, AWAY)


def _pauses(patience_seconds: float) -> Iterator[float]:
    """Seconds to wait after each failure; together no more than patience."""
    pause, waited = _PAUSE_SECONDS, 0.0
    while waited + pause <= patience_seconds:
        yield pause
        waited += pause
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
