"""The fine-tune's job: prepare the data, have the backend train, put the model into the catalogue.

The backend does the training, wherever that is; `training.py` watches it. When this process dies,
the next one launches again and finds either the same training or, where it died too, none, and then
it begins anew.
"""

import asyncio
import shutil
from collections.abc import Sequence

import structlog

from app.backends.base import Backend, BackendError
from app.backends.registry import Backends
from app.fine_tunes.job_side import JobSide
from app.fine_tunes.layout import lay_out
from app.fine_tunes.service import JOB
from app.fine_tunes.training import LOOK_SECONDS, Training, discard, reach
from app.platform.errors import ApiError
from app.platform.jobs import JobError, JobKind
from app.platform.work import Platform

log = structlog.get_logger(__name__)

FOLDER = "training"  # of the scratch folder: what is laid out for trainings


def fine_tune_job(platform: Platform, backends: Backends) -> JobKind:
    """The job that trains a model."""
    folder = platform.scratch / FOLDER

    async def queue(fine_tune_id: str) -> str:
        async with platform.work(write=False) as work:
            return queue_of(await JobSide(work).backend(fine_tune_id) or "local")

    async def backend_of(fine_tune_id: str) -> Backend | None:
        """Its backend; None if the fine-tune is gone, or the backend is in the settings no more."""
        async with platform.work(write=False) as work:
            name = await JobSide(work).backend(fine_tune_id)
        return backends.find(name) if name is not None else None

    async def prepare(fine_tune_id: str) -> None:
        # Another job builds the files, perhaps in another process: only the rows tell.
        while await _waits(platform, fine_tune_id):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)
        try:
            async with platform.work(write=True) as work:
                plan = await JobSide(work).prepare(fine_tune_id)
            if plan is not None:
                await lay_out(platform, fine_tune_id, plan, folder / fine_tune_id)
        except ApiError as error:
            raise JobError(error.code, error.detail) from None

    async def train(fine_tune_id: str) -> None:
        async with platform.work(write=True) as work:
            plan = await JobSide(work).begin(fine_tune_id)
        if plan is None:
            return
        try:
            # Perhaps again: this may be another machine.
            job = await lay_out(platform, fine_tune_id, plan, folder / fine_tune_id)
            await Training(platform, backends.get(plan.backend), job).run()
        except ApiError as error:
            raise JobError(error.code, error.detail) from None
        except BackendError as error:
            told = " ".join(filter(None, (error.message, error.hint)))
            raise JobError(error.code, told) from None

    async def tidy(fine_tune_id: str) -> None:
        await asyncio.to_thread(shutil.rmtree, folder / fine_tune_id, ignore_errors=True)
        if (backend := await backend_of(fine_tune_id)) is None:
            return
        try:
            await reach(lambda: backend.forget(fine_tune_id))
        except BackendError as error:
            # The fine-tune has ended all the same; what is left there has the reference's name.
            log.warning("training_not_forgotten", id=fine_tune_id, code=error.code)

    async def fail(fine_tune_id: str, code: str, message: str) -> None:
        async with platform.work(write=True) as work:
            failed = await JobSide(work).fail(fine_tune_id, code, message)
        if failed and (backend := await backend_of(fine_tune_id)) is not None:
            # A training that succeeded, for a fine-tune that could not, leaves a model to no one.
            try:
                await reach(lambda: discard(backend, fine_tune_id))
            except BackendError as error:
                log.warning("training_not_discarded", id=fine_tune_id, code=error.code)
        await tidy(fine_tune_id)

    async def unfinished() -> Sequence[str]:
        async with platform.work(write=False) as work:
            return await JobSide(work).unfinished()

    return JobKind(JOB, queue, [prepare, train, tidy], fail, unfinished)


def queue_of(backend: str) -> str:
    """Where fine-tunes of a backend wait: a slow one must not hold up the others."""
    return f"train-{backend}"


async def _waits(platform: Platform, fine_tune_id: str) -> bool:
    async with platform.work(write=False) as work:
        return await JobSide(work).waits(fine_tune_id)
