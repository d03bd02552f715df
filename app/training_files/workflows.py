"""The training file's job: render it, in a process of its own."""

from collections.abc import Sequence

from anyio import to_process

from app.platform.jobs import JobKind
from app.platform.work import Platform
from app.training_files.build import build
from app.training_files.service import JOB, TrainingFiles


def training_file_job(platform: Platform) -> JobKind:
    """The job that builds a training file."""

    async def render_rows(training_file_id: str) -> None:
        async with platform.work(write=False) as work:
            request = await TrainingFiles(work).build_request(training_file_id)
        if request is None:
            return
        result = await to_process.run_sync(build, request, cancellable=True)
        async with platform.work(write=True) as work:
            await TrainingFiles(work).finish(training_file_id, result)

    async def fail(training_file_id: str, code: str, message: str) -> None:
        async with platform.work(write=True) as work:
            await TrainingFiles(work).fail(training_file_id, code, message)

    async def unfinished() -> Sequence[str]:
        async with platform.work(write=False) as work:
            return await TrainingFiles(work).unfinished()

    return JobKind(JOB, "short", [render_rows], fail, unfinished)
