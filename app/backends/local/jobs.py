"""The folder of one training job: what the backend and the training process tell each other.

    job.json         what to train, written before the process starts
    progress.jsonl   a line for each step, appended by the process
    result.json      the model, written by the process when that is in its place
    error.json       why there will be none
    cancelled        there for ever once the job was cancelled

All but `progress.jsonl` are written whole or not at all; of that the last line may be unfinished.
"""

import shutil
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from app.backends.local.artefact import write_atomically
from app.prompts.tasks import Task

Shape = TypeVar("Shape", bound=BaseModel)


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Job(_Row):
    """What to train: a file of canonical document lines; `models` is where the model goes.

    `evaluation` is another such file, to measure the model on; `vocabularies` are index files.
    """

    reference: str
    tasks: frozenset[Task]
    hyperparameters: dict[str, Any]
    documents: Path
    evaluation: Path | None = None
    vocabularies: tuple[Path, ...] = ()
    models: Path


class Progress(_Row):
    """One step of a stage; `progress` is that of the whole job, 0 to 1, and never falls."""

    stage: str
    step: int
    progress: float
    metrics: dict[str, float]


class Result(_Row):
    """The model's name and the facts of its training."""

    model: str
    details: dict[str, Any]


class Failure(_Row):
    """Why the training failed; shown to clients, so it never holds text."""

    code: str
    message: str


def model_path(models: Path, name: str) -> Path:
    """Where among the models the one of this name, its sha256, lies."""
    return models / f"{name}.medtune"


class JobFolder:
    """The files of one job; every method is safe to call at any time, from any process."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def prepare(self, job: Job) -> None:
        """Make the folder anew, with nothing but the job in it."""
        self.clear()
        self._write("job.json", job)

    def clear(self) -> None:
        """Remove the folder and whatever is in it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def job(self) -> Job:
        """What to train; OSError or ValueError if that is not there to be read."""
        return Job.model_validate_json((self.path / "job.json").read_bytes())

    def add(self, progress: Progress) -> None:
        """Append a step; only the training process does."""
        with (self.path / "progress.jsonl").open("a", encoding="utf-8") as file:
            file.write(progress.model_dump_json() + "\n")

    def progress(self) -> list[Progress]:
        """All steps so far."""
        try:
            content = (self.path / "progress.jsonl").read_bytes()
        except FileNotFoundError:
            return []
        finished, _, _ = content.rpartition(b"\n")
        return [Progress.model_validate_json(line) for line in finished.splitlines()]

    def succeed(self, result: Result) -> None:
        """Say that the model is there."""
        self._write("result.json", result)

    def fail(self, failure: Failure) -> None:
        """Say that there will be no model."""
        self._write("error.json", failure)

    def cancel(self) -> None:
        """Remove everything but the fact that the job was cancelled."""
        self.clear()
        write_atomically(self.path / "cancelled", b"")

    def result(self) -> Result | None:
        """The result, if there is one."""
        return self._read("result.json", Result)

    def failure(self) -> Failure | None:
        """The failure, if there is one."""
        return self._read("error.json", Failure)

    def cancelled(self) -> bool:
        """Whether the job was cancelled."""
        return (self.path / "cancelled").exists()

    def known(self) -> bool:
        """Whether the job was ever launched here."""
        return self.path.exists()

    def _write(self, name: str, row: BaseModel) -> None:
        write_atomically(self.path / name, row.model_dump_json().encode())

    def _read(self, name: str, shape: type[Shape]) -> Shape | None:
        try:
            return shape.model_validate_json((self.path / name).read_bytes())
        except FileNotFoundError:
            return None
