"""One training, watched from its launch to its end, whatever backend it runs on."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.backends.base import Backend, BackendError, JobState, JobStatus, TrainingJob
from app.fine_tunes.job_side import JobSide
from app.fine_tunes.states import Status
from app.platform.work import Platform

LOOK_SECONDS = 0.5
_MAX_LOST = 5
# A training elsewhere goes on while its server cannot be reached from here.
_LONGEST_AWAY = 24 * 3600.0
_MAX_UNREACHABLE = 20
_LONGEST_PAUSE = 30.0

Answer = TypeVar("Answer")


class Training:
    """A training as seen from here: launched, looked at, recorded, ended.

    Handing over the data may take minutes, so the launch is a task beside the loop that looks: it
    tells how far it is, and notices if the training is no longer wanted.
    """

    def __init__(self, platform: Platform, backend: Backend, job: TrainingJob) -> None:
        self._platform = platform
        self._backend = backend
        self._job = job
        self._lost = 0
        self._failures = 0
        self._away_since: float | None = None
        self._recorded: JobState | None = None

    async def run(self) -> None:
        """Launch, watch, end. Raises BackendError if the training failed."""
        with self._platform.telemetry.training(self._backend.name) as outcome:
            try:
                outcome.what = "succeeded" if await self._run() else "cancelled"
            except BackendError as error:
                outcome.what = "failed"
                outcome.failed(error.code)
                raise

    async def _run(self) -> bool:
        """True if it has succeeded, False if it is no longer wanted."""
        if await self._wanted():
            self._launching = self._launch()
            try:
                if await self._watch():
                    return True
            finally:
                self._launching.cancel()
                # Not awaited itself: its being cancelled would pass for ours, and ours for its.
                await asyncio.wait({self._launching})
                if not self._launching.cancelled():
                    self._launching.exception()  # seen, so that asyncio does not complain of it
        await self._stop()
        return False

    async def _watch(self) -> bool:
        """Look until the end; True if it has succeeded, False if it is no longer wanted."""
        while await self._wanted():
            try:
                launched = self._launching.done()
                if launched:
                    self._launching.result()
                state = await self._backend.poll(self._job.reference)
            except BackendError as error:
                await self._bear(error)
                continue
            if launched:
                self._away_since, self._failures = None, 0
            await self._record(state)
            match state.status:
                case JobStatus.SUCCEEDED if state.model is not None:
                    if await self._succeed(state.model):
                        return True
                case JobStatus.RUNNING:
                    await self._pause()
                case JobStatus.LOST if not launched:
                    await self._pause()
                case JobStatus.LOST:
                    await self._relaunch()
                case _:
                    raise BackendError(
                        state.error_code or f"training_{state.status}",
                        state.error_message or f"The training ended as {state.status}.",
                    )
        return False

    def _launch(self) -> asyncio.Task[None]:
        return asyncio.create_task(self._backend.launch(self._job))

    async def _bear(self, error: BackendError) -> None:
        """Wait for a backend that is away, and say so once; raise what will not pass."""
        if not error.retryable:
            raise error
        if self._away_since is None:
            self._away_since = time.monotonic()
            async with self._platform.work(write=True) as work:
                await JobSide(work).unreachable(self._job.reference, error.code, error.message)
        elif time.monotonic() - self._away_since > _LONGEST_AWAY:
            raise error
        await self._wait(pause_after(self._failures, error))
        self._failures += 1
        if self._launching.done() and self._launching.exception() is not None:
            self._launching = self._launch()

    async def _wanted(self) -> bool:
        """Whether the fine-tune is still to be trained; not if it is being cancelled."""
        async with self._platform.work(write=False) as work:
            return await JobSide(work).status(self._job.reference) is Status.TRAINING

    async def _pause(self) -> None:
        """Wait until the next look: it is due, the launch has ended, or nobody wants it more."""
        await self._wait(self._backend.poll_seconds)

    async def _wait(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        launching = not self._launching.done()
        while (left := ends - time.monotonic()) > 0:
            if launching:
                await asyncio.wait({self._launching}, timeout=min(left, LOOK_SECONDS))
                if self._launching.done():
                    return
            else:
                await asyncio.sleep(min(left, LOOK_SECONDS))
            if left > LOOK_SECONDS and not await self._wanted():
                return

    async def _record(self, state: JobState) -> None:
        if state.status is JobStatus.LOST or state == self._recorded:
            return
        async with self._platform.work(write=True) as work:
            await JobSide(work).record(self._job.reference, state)
        self._recorded = state

    async def _relaunch(self) -> None:
        self._lost += 1
        if self._lost > _MAX_LOST:
            raise BackendError("training_lost", "The backend lost the training again and again.")
        async with self._platform.work(write=True) as work:
            await JobSide(work).relaunched(self._job.reference)
        self._launching = self._launch()

    async def _succeed(self, model: str) -> bool:
        async with self._platform.work(write=True) as work:
            return await JobSide(work).succeed(self._job.reference, model)

    async def _stop(self) -> None:
        """End the training and what came of it, then say so."""
        await reach(lambda: discard(self._backend, self._job.reference))
        async with self._platform.work(write=True) as work:
            await JobSide(work).cancelled(self._job.reference)


async def reach(call: Callable[[], Awaitable[Answer]]) -> Answer:
    """Call a backend; while it is away for a moment, wait and try again."""
    for attempt in range(_MAX_UNREACHABLE):
        try:
            return await call()
        except BackendError as error:
            if not error.retryable or attempt == _MAX_UNREACHABLE - 1:
                raise
            pause = pause_after(attempt, error)
        await asyncio.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


def pause_after(failures: int, error: BackendError) -> float:
    """Seconds until the next try, after so many failures before this one."""
    doubled = 2.0 ** min(failures, 10)  # a day of failures is more than a float can double
    return min(max(doubled, error.retry_after or 0.0), _LONGEST_PAUSE)


async def discard(backend: Backend, reference: str) -> None:
    """End a training, and delete the model should there be one already."""
    await backend.cancel(reference)
    state = await backend.poll(reference)
    if state.model is not None:
        await backend.delete_model(state.model)
