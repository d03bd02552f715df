"""The evaluation's job: measure all models and store all of it at once, or nothing.

One that was cut off begins anew; it ends in the same scores, for models that answer the same.
"""

import asyncio
from collections.abc import Sequence

from app.backends.registry import Backends
from app.evaluations.job_side import JobSide
from app.evaluations.run import Evaluating
from app.evaluations.service import JOB
from app.evaluations.watch import UnwantedError
from app.platform.errors import ApiError
from app.platform.jobs import JobError, JobKind, patiently
from app.platform.work import Platform

QUEUE = "evaluations"
AT_ONCE = 1


def evaluation_job(platform: Platform, backends: Backends) -> JobKind:
    """The job that measures models."""

    async def remove_blobs(evaluation_id: str) -> None:
        await asyncio.to_thread(platform.blobs.delete_owner, evaluation_id)

    async def evaluate(evaluation_id: str) -> None:
        try:
            async with platform.work(write=True) as work:
                plan = await JobSide(work).begin(evaluation_id)
            if plan is None:
                return
            await remove_blobs(evaluation_id)
            outcome = await Evaluating(platform, backends, plan).run()
        except ApiError as error:
            raise JobError(error.code, f"{error.detail} {error.hint}") from None
        except UnwantedError:
            await remove_blobs(evaluation_id)
            return

        async def store() -> bool:
            async with platform.work(write=True) as work:
                return await JobSide(work).succeed(evaluation_id, outcome)

        # By itself: the whole step, done again, would ask all models again.
        patience = platform.settings.database_patience_seconds
        if not await patiently(store, evaluation_id, patience):
            await remove_blobs(evaluation_id)

    async def fail(evaluation_id: str, code: str, message: str) -> None:
        async with platform.work(write=True) as work:
            failed = await JobSide(work).fail(evaluation_id, code, message)
        if failed:
            await remove_blobs(evaluation_id)

    async def unfinished() -> Sequence[str]:
        async with platform.work(write=False) as work:
            return await JobSide(work).unfinished()

    return JobKind(JOB, QUEUE, [evaluate], fail, unfinished)
