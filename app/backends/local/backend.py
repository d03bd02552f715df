"""The embedded trainer as a backend: models are trained in processes of their own, and run here.

A job's folder is all that is known of it, so that any later process can tell what became of it:

    <folder>/jobs/<sha256 of the reference>/   see `jobs.py`
    <folder>/models/<name>.medtune             a model, named by its own sha256

The models may lie in a store that other machines share: then the latter folder has copies of them.
"""

import asyncio
import hashlib
import os
import re
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ValidationError

from app.backends.base import (
    DEFAULT_OPTIONS,
    Annotations,
    Backend,
    BackendError,
    BaseModelInfo,
    ExtractOptions,
    FoundRelation,
    JobState,
    JobStatus,
    TrainingJob,
)
from app.backends.local.answering import answer, load, model_not_found
from app.backends.local.bulk import BulkProcesses
from app.backends.local.bulk_wire import Model
from app.backends.local.environment import environment
from app.backends.local.hyperparameters import LocalHyperparameters
from app.backends.local.job_states import cancel, is_over, job_state
from app.backends.local.jobs import Failure, Job, JobFolder
from app.backends.local.model import LocalModel
from app.backends.local.model_cache import ModelCache
from app.backends.local.model_files import ModelFiles
from app.backends.local.together import Together
from app.corpora.documents import Document
from app.platform.objects import Folder, Objects
from app.prompts.tasks import Task

_MODEL_NAME = re.compile(r"[0-9a-f]{64}")
_SECONDS_TO_TERMINATE = 5
_CRASHED = Failure(code="training_crashed", message="The training process ended without a result.")

_Question = tuple[str, frozenset[Task], ExtractOptions]


class LocalBackend:
    """Trains and runs models on this machine's CPU; needs no key and downloads nothing.

    `jobs` is the folder of the jobs, if another one: where several processes share the models, no
    other may have it. `baseline` is a backend whose base models are offered under this one's name:
    untrained models to compare with. `bulk_processes` work off batches (None: one for each core).
    """

    name = "local"
    configured = True
    setup_hint: str | None = None
    lists_all_models = True
    trainings_at_once = 1
    poll_seconds = 0.5

    def __init__(
        self,
        folder: Path,
        *,
        jobs: Path | None = None,
        models: Objects | None = None,
        baseline: Backend | None = None,
        max_loaded: int = 4,
        bulk_processes: int | None = None,
    ) -> None:
        self._jobs = (jobs or folder / "jobs").absolute()
        self._models = ModelFiles(models or Folder(folder.absolute() / "models"))
        self._baseline = baseline
        self._cache = ModelCache[LocalModel](self._load, max_loaded)
        self._together = Together[_Question, Annotations](self._answer)
        self._bulk = BulkProcesses(bulk_processes)
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        # Of launch and cancel only one is at work at a time.
        self._changing = asyncio.Lock()
        self._closed = False

    @property
    def hyperparameters(self) -> type[BaseModel]:
        """`LocalHyperparameters`."""
        return LocalHyperparameters

    async def open(self) -> None:
        """Models are loaded when they are asked for."""

    async def base_models(self) -> Sequence[BaseModelInfo]:
        """The baseline's; of its own none is there without training."""
        return await self._baseline.base_models() if self._baseline else []

    async def extract(
        self,
        model: str,
        texts: Sequence[str],
        tasks: frozenset[Task],
        options: ExtractOptions = DEFAULT_OPTIONS,
    ) -> list[Annotations]:
        """Annotate each text.

        Raises BackendError `model_not_found`, `backend_failed`, `min_precision_unavailable`.
        If relations are asked for, mentions of both types come with them.
        """
        if self._baseline and model in {each.name for each in await self._baseline.base_models()}:
            return await self._baseline.extract(model, texts, tasks, options)
        if not _MODEL_NAME.fullmatch(model):
            raise model_not_found()
        await self._models.local(model)
        self._check_open()
        if not self._cache.has(model):  # loaded where calls to other models do not wait for it
            await self._together.run(lambda: self._cache.get(model))
        return await self._together.ask((model, tasks, options), texts)

    async def extract_batch(
        self,
        reference: str,
        model: str,
        texts: Sequence[str],
        tasks: frozenset[Task],
        options: ExtractOptions = DEFAULT_OPTIONS,
    ) -> list[Annotations | BackendError] | None:
        """As `extract`, in processes of their own; None for the baseline's models.

        Nothing is kept under the reference: who was cut off has the work done anew.
        """
        if not _MODEL_NAME.fullmatch(model):
            return None
        self._check_open()
        file = await self._models.local(model)  # a process may have it loaded still
        return await self._bulk.annotate(Model(model, file, tasks, options), texts)

    async def drop_batch(self, reference: str) -> None:
        """Nothing is kept: it ended with who asked for it."""

    async def relate(
        self, model: str, documents: Sequence[Document]
    ) -> list[tuple[FoundRelation, ...]] | None:
        """The relations among the documents' own mentions; None if the model finds none by itself.

        Raises BackendError as `extract`.
        """
        if not _MODEL_NAME.fullmatch(model):
            return None
        await self._models.local(model)
        self._check_open()
        return await self._together.run(lambda: self._cache.get(model).relate(documents))

    async def launch(self, job: TrainingJob) -> None:
        """Start the job, unless it runs here, has succeeded or was cancelled.

        Raises BackendError `invalid_hyperparameters`, `base_model_not_found`.
        """
        if job.base_model is not None:
            raise BackendError("base_model_not_found", "The local backend trains from nothing.")
        try:
            chosen = LocalHyperparameters.model_validate(job.hyperparameters)
        except ValidationError:
            raise BackendError(
                "invalid_hyperparameters", "The hyperparameters are not those of this backend."
            ) from None
        folder = self._folder(job.reference)
        async with self._changing:
            self._check_open()
            if self._runs(job.reference) or await asyncio.to_thread(is_over, folder):
                return
            await asyncio.to_thread(
                folder.prepare,
                Job(
                    reference=job.reference,
                    tasks=job.tasks,
                    hyperparameters=chosen.model_dump(mode="json"),
                    documents=job.training.documents.absolute(),
                    evaluation=job.evaluation and job.evaluation.documents.absolute(),
                    vocabularies=tuple(path.absolute() for path in job.vocabularies),
                    models=self._models.folder,
                ),
            )
            self._processes[job.reference] = await _start(folder.path)

    async def poll(self, reference: str) -> JobState:
        """How the job stands; LOST if it has no outcome and does not run in this process.

        Raises BackendError if its model could not be stored: it has not succeeded before that.
        """
        state = await self._state(reference)
        if state.model is not None:
            await self._models.store(state.model)
        return state

    async def _state(self, reference: str) -> JobState:
        process = self._processes.get(reference)
        # Asked before the files are read: what an ended process wrote is then all there.
        ended = process is not None and process.returncode is not None
        folder = self._folder(reference)
        state = await asyncio.to_thread(job_state, folder)
        if state.status is not JobStatus.LOST or process is None:
            return state
        if not ended:
            return replace(state, status=JobStatus.RUNNING)
        async with self._changing:
            # Not if it was closed, or launched anew, meanwhile.
            if not self._closed and self._processes.get(reference) is process:
                await asyncio.to_thread(folder.fail, _CRASHED)
        return await asyncio.to_thread(job_state, folder)

    async def cancel(self, reference: str) -> None:
        """Stop the job and remove what it has written; one that has succeeded stays as it is."""
        folder = self._folder(reference)
        async with self._changing:
            await self._stop(reference)
            self._processes.pop(reference, None)
            await asyncio.to_thread(cancel, folder)

    async def forget(self, reference: str) -> None:
        """Stop the job, should it run still, and remove its folder."""
        async with self._changing:
            await self._stop(reference)
            self._processes.pop(reference, None)
            await asyncio.to_thread(self._folder(reference).clear)

    async def delete_model(self, model: str) -> None:
        """Remove the model's file; nothing if there is none."""
        if _MODEL_NAME.fullmatch(model):
            self._cache.drop(model)
            await self._models.delete(model)

    async def close(self) -> None:
        """Stop all batches and trainings; these become LOST, to be launched anew by the next."""
        self._closed = True
        async with self._changing:
            await asyncio.gather(self._bulk.close(), *map(self._stop, self._processes))
        self._together.close()

    def _check_open(self) -> None:
        if self._closed:
            raise BackendError("backend_unavailable", "The backend is closed.", retryable=True)

    def _answer(self, question: _Question, texts: Sequence[str]) -> list[Annotations]:
        model, tasks, options = question
        return answer(self._cache.get(model), texts, tasks, options)

    def _folder(self, reference: str) -> JobFolder:
        # A reference may be any string; a folder's name may not.
        return JobFolder(self._jobs / hashlib.sha256(reference.encode()).hexdigest())

    def _runs(self, reference: str) -> bool:
        process = self._processes.get(reference)
        return process is not None and process.returncode is None

    async def _stop(self, reference: str) -> None:
        """End the job's process and everything it started; returns when it is gone."""
        process = self._processes.get(reference)
        if process is None:
            return
        _signal(process, signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), _SECONDS_TO_TERMINATE)
        except TimeoutError:
            _signal(process, signal.SIGKILL)
            await process.wait()

    def _load(self, model: str) -> LocalModel:
        return load(self._models.place(model), model)


async def _start(folder: Path) -> asyncio.subprocess.Process:
    """The training process, in a process group of its own, holding the other end of its input."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app.backends.local.process",
        str(folder),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        env=environment(),
        start_new_session=True,  # a group of its own; uvloop knows no process_group
    )


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Signal the process's whole group, unless it has ended."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
