"""The fine-tune's job: prepare the data, have the backend train, put the model into the catalogue.

The backend does the training, wherever that is; this job launches it by the fine-tune's id (twice
is once), and looks at it until it has ended. When this process dies, the next one launches again
and finds either the same training or, where it died too, none, and then it begins anew.
"""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from app.backends.base import Backend, BackendError, JobState, JobStatus, TrainingJob
from app.backends.registry import Backends
from app.fine_tunes.progress import Progress
from app.fine_tunes.service import JOB
from app.fine_tunes.states import Status
from app.platform.jobs import JobError, JobKind
from app.platform.work import Platform

POLL_SECONDS = 0.5
_MAX_LOST = 5
_MAX_UNREACHABLE = 20
_LONGEST_PAUSE = 30.0

Answer = TypeVar("Answer")


def fine_tune_job(platform: Platform, backends: Backends) -> JobKind:
    """The job that trains a model."""
    folder = platform.settings.data_dir / "training"

    async def prepare(fine_tune_id: str) -> None:
        async with platform.work(write=True) as work:
            data = await Progress(work).prepare(fine_tune_id)
        if data is not None:
            await asyncio.to_thread(_join, data.documents, folder / fine_tune_id)

    async def train(fine_tune_id: str) -> None:
        async with platform.work(write=True) as work:
            plan = await Progress(work).begin(fine_tune_id, folder / fine_tune_id)
        if plan is None:
            return
        try:
            await _Training(platform, backends.get(plan.backend), plan.job).run()
        except BackendError as error:
            raise JobError(error.code, error.message) from None

    async def tidy(fine_tune_id: str) -> None:
        (folder / fine_tune_id).unlink(missing_ok=True)
        async with platform.work(write=False) as work:
            backend = await Progress(work).backend(fine_tune_id)
        if backend is not None:
            await backends.get(backend).forget(fine_tune_id)

    async def fail(fine_tune_id: str, code: str, message: str) -> None:
        async with platform.work(write=True) as work:
            progress = Progress(work)
            failed = await progress.fail(fine_tune_id, code, message)
            backend = await progress.backend(fine_tune_id)
        if failed and backend is not None:
            # A training that succeeded, for a fine-tune that could not, leaves a model to no one.
            await _discard(backends.get(backend), fine_tune_id)
        await tidy(fine_tune_id)

    async def unfinished() -> Sequence[str]:
        async with platform.work(write=False) as work:
            return await Progress(work).unfinished()

    return JobKind(JOB, "train", [prepare, train, tidy], fail, unfinished)


def _join(sources: Sequence[Path], target: Path) -> None:
    """Write the documents of all splits into one file, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".part")
    with unfinished.open("wb") as out:
        for source in sources:
            with source.open("rb") as file:
                shutil.copyfileobj(file, out)
    unfinished.replace(target)


async def _discard(backend: Backend, reference: str) -> None:
    """End a training, and delete the model should there be one already."""
    await backend.cancel(reference)
    state = await backend.poll(reference)
    if state.model is not None:
        await backend.delete_model(state.model)


class _Training:
    """One training, watched from its launch to its end."""

    def __init__(self, platform: Platform, backend: Backend, job: TrainingJob) -> None:
        self._platform = platform
        self._backend = backend
        self._job = job
        self._lost = 0
        self._recorded: JobState | None = None

    async def run(self) -> None:
        """Launch, watch, end. Raises BackendError if the training failed."""
        if await self._wanted():
            await self._reach(lambda: self._backend.launch(self._job))
        while await self._wanted():
            state = await self._reach(lambda: self._backend.poll(self._job.reference))
            await self._record(state)
            match state.status:
                case JobStatus.RUNNING:
                    await asyncio.sleep(POLL_SECONDS)
                case JobStatus.LOST:
                    await self._relaunch()
                case JobStatus.SUCCEEDED if state.model is not None:
                    if await self._succeed(state.model):
                        return
                case _:
                    raise BackendError(
                        state.error_code or f"training_{state.status}",
                        state.error_message or f"The training ended as {state.status}.",
                    )
        await self._stop()

    async def _wanted(self) -> bool:
        """Whether the fine-tune is still to be trained; not if it is being cancelled."""
        async with self._platform.work(write=False) as work:
            return await Progress(work).status(self._job.reference) is Status.TRAINING

    async def _reach(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        """Call the backend; while it is away for a moment, wait and try again."""
        for attempt in range(_MAX_UNREACHABLE):
            try:
                return await call()
            except BackendError as error:
                if not error.retryable or attempt == _MAX_UNREACHABLE - 1:
                    raise
            await asyncio.sleep(min(2**attempt, _LONGEST_PAUSE))
        raise AssertionError("the last attempt returns or raises")

    async def _record(self, state: JobState) -> None:
        if state.status is JobStatus.LOST or state == self._recorded:
            return
        async with self._platform.work(write=True) as work:
            await Progress(work).record(self._job.reference, state)
        self._recorded = state

    async def _relaunch(self) -> None:
        self._lost += 1
        if self._lost > _MAX_LOST:
            raise BackendError("training_lost", "The backend lost the training again and again.")
        async with self._platform.work(write=True) as work:
            await Progress(work).relaunched(self._job.reference)
        await self._reach(lambda: self._backend.launch(self._job))

    async def _succeed(self, model: str) -> bool:
        async with self._platform.work(write=True) as work:
            return await Progress(work).succeed(self._job.reference, model)

    async def _stop(self) -> None:
        """End the training and what came of it, then say so."""
        await self._reach(lambda: _discard(self._backend, self._job.reference))
        async with self._platform.work(write=True) as work:
            await Progress(work).cancelled(self._job.reference)
