"""A job's folder: what is in it is whole, whoever looks and whenever."""

from pathlib import Path

import pytest

from app.backends.local.jobs import Failure, Job, JobFolder, Progress, Result
from app.prompts.tasks import Task


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    folder = JobFolder(tmp_path / "jobs" / "one")
    folder.prepare(
        Job(
            reference="ft_1",
            tasks=frozenset(Task),
            hyperparameters={"preset": "fast"},
            documents=tmp_path / "documents",
            models=tmp_path / "models",
        )
    )
    return folder


def test_a_job_is_read_as_it_was_written(folder: JobFolder) -> None:
    job = folder.job()
    assert (job.reference, job.tasks) == ("ft_1", frozenset(Task))
    assert job.hyperparameters == {"preset": "fast"}


def test_a_line_that_is_still_being_written_is_not_read(folder: JobFolder) -> None:
    assert folder.progress() == []
    step = Progress(stage="relations", step=1, progress=0.5, metrics={"f1": 0.25})
    folder.add(step)
    with (folder.path / "progress.jsonl").open("a") as file:
        file.write('{"stage": "rela')
    assert folder.progress() == [step]


def test_preparing_anew_forgets_what_was(folder: JobFolder) -> None:
    folder.add(Progress(stage="tagger", step=1, progress=0.1, metrics={}))
    folder.fail(Failure(code="training_failed", message="It failed."))
    folder.prepare(folder.job())
    assert folder.progress() == []
    assert folder.failure() is None


def test_cancelling_leaves_only_that(folder: JobFolder) -> None:
    (folder.path / "model").write_bytes(b"half")
    folder.cancel()
    assert folder.cancelled()
    assert [each.name for each in folder.path.iterdir()] == ["cancelled"]


def test_an_outcome_is_read_as_it_was_written(folder: JobFolder) -> None:
    assert (folder.result(), folder.failure()) == (None, None)
    folder.succeed(Result(model="a" * 64, details={"bytes": 7}))
    folder.fail(Failure(code="training_crashed", message="It ended."))
    assert folder.result() == Result(model="a" * 64, details={"bytes": 7})
    assert folder.failure() == Failure(code="training_crashed", message="It ended.")
