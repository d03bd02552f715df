"""The dataset's job: read what was uploaded, in a process of its own."""

from collections.abc import Sequence

from anyio import to_process

from app.datasets.ingest import ingest
from app.datasets.service import JOB, Datasets
from app.platform.jobs import JobKind
from app.platform.work import Platform


def dataset_job(platform: Platform) -> JobKind:
    """The job that turns an uploaded dataset into a ready or a failed one."""

    async def read_files(dataset_id: str) -> None:
        async with platform.work(write=False) as work:
            request = await Datasets(work).ingest_request(dataset_id)
        if request is None:
            return
        result = await to_process.run_sync(ingest, request, cancellable=True)
        async with platform.work(write=True) as work:
            await Datasets(work).finish(dataset_id, result)

    async def fail(dataset_id: str, code: str, message: str) -> None:
        async with platform.work(write=True) as work:
            await Datasets(work).fail(dataset_id, code, message)

    async def unfinished() -> Sequence[str]:
        async with platform.work(write=False) as work:
            return await Datasets(work).unfinished()

    return JobKind(JOB, "short", [read_files], fail, unfinished)
