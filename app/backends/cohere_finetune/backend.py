"""Cohere's open trainer, one container with a shared folder, as a backend that trains."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import BaseModel, ValidationError

from app.backends.base import (
    DEFAULT_OPTIONS,
    Annotations,
    Backend,
    BackendError,
    BaseModelInfo,
    ExtractOptions,
    JobState,
    JobStatus,
    TrainingJob,
)
from app.backends.cohere_finetune.container import Container
from app.backends.cohere_finetune.folder import Folder
from app.backends.cohere_finetune.hyperparameters import (
    BASE_MODELS,
    DEFAULT_BASE_MODEL,
    CohereFinetuneHyperparameters,
)
from app.backends.cohere_finetune.preparing import Body, in_thread, prepare
from app.backends.cohere_finetune.states import ENDED, LOST
from app.backends.cohere_finetune.trainings import Trainings, files
from app.platform.telemetry import Telemetry
from app.prompts.tasks import Task


class CohereFinetuneBackend:
    """Trains in a container of cohere-finetune; models are served by another backend, `served_by`.

    `folder` is the container's PATH_PREFIX as this process sees it. A training may take `hours`,
    and may wait as long for the container. What the container says against a training is believed
    after `doubt` seconds. `clock` gives seconds of the epoch.
    """

    lists_all_models = True
    trainings_at_once = 1
    setup_hint: str | None = (
        "The operator of this service should set MEDTUNE_COHERE_FINETUNE_URL and "
        "MEDTUNE_COHERE_FINETUNE_DIR."
    )

    def __init__(
        self,
        name: str,
        url: str | None,
        folder: Path | None,
        *,
        served_by: Backend | None,
        hours: float,
        timeout: float,
        attempts: int,
        poll_seconds: float,
        telemetry: Telemetry | None = None,
        doubt: float = 15.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.configured = bool(url and folder)
        self.poll_seconds = poll_seconds
        self._served_by = served_by
        # Writing files for one launch may take minutes: meanwhile others can be looked at.
        self._preparing = asyncio.Lock()
        self._changing = asyncio.Lock()
        self._trainings = None
        if url and folder:
            self._trainings = Trainings(
                Container(name, url, timeout=timeout, attempts=attempts, telemetry=telemetry),
                Folder(folder),
                limit=hours * 3600,
                doubt=doubt,
                clock=clock,
            )

    @property
    def hyperparameters(self) -> type[BaseModel]:
        """`CohereFinetuneHyperparameters`."""
        return CohereFinetuneHyperparameters

    async def open(self) -> None:
        """There is nothing to load."""

    async def base_models(self) -> Sequence[BaseModelInfo]:
        """What the container can start from; to extract with them they would have to be served."""
        if not self.configured:
            return []
        return [
            BaseModelInfo(name, description, frozenset(Task), can_extract=False, can_tune=True)
            for name, description in BASE_MODELS.items()
        ]

    async def extract(
        self,
        model: str,
        texts: Sequence[str],
        tasks: frozenset[Task],
        options: ExtractOptions = DEFAULT_OPTIONS,
    ) -> list[Annotations]:
        """Annotate with the server of the merged weights, which knows them by the model's name.

        Raises BackendError `capability_unavailable` if there is no such server.
        """
        if self._served_by is None or not self._served_by.configured:
            raise BackendError(
                "capability_unavailable",
                f"The backend {self.name} trains models and does not serve them.",
                hint=f"Serve {model}/output/merged_weights of the shared folder under the name "
                f"{model}, by vLLM for one, and name that backend in "
                "MEDTUNE_COHERE_FINETUNE_SERVED_BY.",
            )
        return await self._served_by.extract(model, texts, tasks, options)

    async def launch(self, job: TrainingJob) -> None:
        """Hand over the files and start the training; if the container is busy, it waits.

        Raises BackendError `training_data_refused`, `invalid_hyperparameters`,
        `base_model_not_found`, `backend_unavailable`, ...
        """
        trainings = self._required()
        body = _body(job)
        async with self._preparing:
            async with self._changing:
                attempts = await trainings.attempts(job.reference)
                state = await trainings.advance(attempts[-1]) if attempts else LOST
            if state.status not in (JobStatus.LOST, JobStatus.FAILED):
                return
            number = attempts[-1].record.attempt + 1 if attempts else 1
            await in_thread(
                lambda stopped: prepare(
                    trainings.folder,
                    job,
                    body,
                    attempt=number,
                    now=trainings.clock(),
                    stopped=stopped,
                )
            )
            for each in attempts:
                await files(trainings.folder.forget, each)
        await self.poll(job.reference)

    async def poll(self, reference: str) -> JobState:
        """How the training stands; one that waits for the container is started when that is free.

        Raises BackendError, retryable, while the container cannot be asked.
        """
        trainings = self._required()
        async with self._changing:
            attempts = await trainings.attempts(reference)
            return await trainings.advance(attempts[-1]) if attempts else LOST

    async def cancel(self, reference: str) -> None:
        """End the training. The container can only be ended as a whole, so it is, if it is at it.

        One that has succeeded stays as it is. Raises BackendError, retryable, while that cannot be
        done.
        """
        trainings = self._required()
        async with self._changing:
            for attempt in await trainings.attempts(reference):
                await trainings.cancel(attempt)

    async def forget(self, reference: str) -> None:
        """Remove all files of the training but the model's; should it run still, end it."""
        trainings = self._required()
        async with self._changing:
            for attempt in await trainings.attempts(reference):
                if attempt.record.phase not in ENDED:
                    await trainings.cancel(attempt)
            for attempt in await trainings.attempts(reference):
                await files(trainings.folder.forget, attempt)
            await files(trainings.folder.clear_staging, reference)

    async def delete_model(self, model: str) -> None:
        """Remove the model's folder; nothing if it is not one of ours."""
        trainings = self._required()
        async with self._changing:
            await files(trainings.folder.delete, model)

    async def close(self) -> None:
        """Close the connections; trainings go on in the container."""
        if self._trainings is not None:
            await self._trainings.container.close()

    def _required(self) -> Trainings:
        if self._trainings is None:
            raise BackendError(
                "backend_unavailable",
                f"The backend {self.name} is not configured.",
                hint=self.setup_hint,
            )
        return self._trainings


def _body(job: TrainingJob) -> Body:
    """From a name to what is posted. Raises BackendError."""
    base_model = job.base_model or DEFAULT_BASE_MODEL
    if base_model not in BASE_MODELS:
        raise BackendError("base_model_not_found", "The trainer does not have this base model.")
    try:
        chosen = CohereFinetuneHyperparameters.model_validate(job.hyperparameters)
    except ValidationError:
        raise BackendError(
            "invalid_hyperparameters", "The hyperparameters are not those of this backend."
        ) from None
    return lambda name: chosen.body(name, base_model)
