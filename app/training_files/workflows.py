"""The training file's job: render it, in a process of its own."""

from app.platform.jobs import JobKind
from app.platform.processes import process_job
from app.platform.work import Platform
from app.training_files.build import build
from app.training_files.service import JOB, TrainingFiles


def training_file_job(platform: Platform) -> JobKind:
    """The job that builds a training file."""
    return process_job(JOB, platform, TrainingFiles, build)
