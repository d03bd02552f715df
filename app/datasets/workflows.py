"""The dataset's job: read what was uploaded, in a process of its own."""

from app.datasets.ingest import ingest
from app.datasets.job_side import JobSide
from app.datasets.service import JOB
from app.platform.jobs import JobKind
from app.platform.processes import process_job
from app.platform.work import Platform


def dataset_job(platform: Platform) -> JobKind:
    """The job that turns an uploaded dataset into a ready or a failed one."""
    return process_job(JOB, platform, JobSide, ingest)
