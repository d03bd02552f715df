"""The vocabulary's job: build the index of its names, in a process of its own."""

from app.platform.jobs import JobKind
from app.platform.processes import process_job
from app.platform.work import Platform
from app.vocabularies.build import build
from app.vocabularies.service import JOB, Vocabularies


def vocabulary_job(platform: Platform) -> JobKind:
    """The job that turns uploaded files into a vocabulary that is ready, or has failed."""
    return process_job(JOB, platform, Vocabularies, build)
