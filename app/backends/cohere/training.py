"""Fine-tuning on a Cohere server: its own, or any that speaks the protocol.

The name of the dataset and of the fine-tune there is made of our reference. Before anything is
created the name is looked for, so that a launch that was cut off can be repeated: creating is
never retried blindly. A create whose answer was lost may still act later; then there are two of
one name, of which the oldest counts and the others are deleted.
"""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from cohere.finetuning.finetuning import FinetunedModel

from app.backends.base import BackendError, Examples, JobState, JobStatus, TrainingJob
from app.backends.cohere.client import CohereClient
from app.backends.cohere.failures import is_gone
from app.backends.cohere.holdings import (
    HeldDataset,
    HeldTune,
    Holdings,
    lenient,
    unless_gone,
)
from app.backends.cohere.requests import remote_name, tune_request
from app.backends.cohere.standing import Standing
from app.backends.generation.rows import chats
from app.backends.remote import RemoteError
from app.prompts.templates import Template

_LONGEST_SENTENCE = 300
_SHOWN_WARNINGS = 3
_LONGEST_VALIDATION = 12 * 3600.0
_ELSEWHERE = (
    "Fine-tune on the backend local, on a self-hosted cohere-finetune, or on another "
    "Cohere-compatible server: POST /v1/fine-tunes/{}/repeat"
)


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to wait, in seconds.

    `look` between two looks at a validation; `in_flight` before each further look for a fine-tune
    that an earlier attempt, now dead, may have asked for.
    """

    look: float = 2.0
    in_flight: Sequence[float] = (1.0, 2.0, 4.0)


class CohereTraining:
    """The training side of a Cohere backend; `name` is the backend's."""

    def __init__(self, client: CohereClient, name: str, *, pace: Pace | None = None) -> None:
        self._client = client
        self._name = name
        self._pace = pace or Pace()
        self._holdings = Holdings(client)
        self._standing = Standing(self._holdings, name)
        self._stages: dict[str, str] = {}  # of launches under way, by remote name
        self._ids: dict[str, str] = {}  # of fine-tunes seen, by remote name

    async def launch(self, job: TrainingJob) -> None:
        """Upload the rows, wait until they are validated, and create the fine-tune, once.

        Raises BackendError: `capability_unavailable` if the server does not fine-tune (any more),
        `training_data_refused` if it does not take the rows, `invalid_hyperparameters`.
        """
        name = remote_name(job.reference)
        try:
            await self._launch(job, name)
        finally:
            self._stages.pop(name, None)

    async def poll(self, reference: str) -> JobState:
        """How the fine-tune stands; LOST if there is none and none is being launched here.

        Raises BackendError: `capability_unavailable` if the server does not fine-tune any more.
        """
        name = remote_name(reference)
        if (stage := self._stages.get(name)) is not None:
            return JobState(JobStatus.RUNNING, stage=stage)
        try:
            tune = await self._tune(name)
        except BackendError as error:
            raise self._explained(error, reference) from None
        return JobState(JobStatus.LOST) if tune is None else await self._standing.of(tune)

    async def cancel(self, reference: str) -> None:
        """Delete the rows, then whatever trains on them: a create still on its way is refused."""
        name = remote_name(reference)
        datasets = await self._delete_datasets(name)
        await self._delete_tunes(name)
        if any(dataset.status == "validated" for dataset in datasets):
            await asyncio.sleep(self._pace.in_flight[0])
            await self._delete_tunes(name)

    async def forget(self, reference: str) -> None:
        """Delete the rows, and fine-tunes of the name that are no model."""
        name = remote_name(reference)
        await self._delete_datasets(name)
        tunes = _alive(await unless_gone(lambda: self._holdings.tunes(name), []))
        for index, tune in enumerate(tunes):
            if index or tune.status == "failed":
                await self._delete_tune(tune.id)
        tune_id = self._ids.pop(name, None)
        if tune_id is not None:
            self._standing.forget(tune_id)

    async def delete_model(self, model: str) -> None:
        """Delete the fine-tune whose model this is (`JobState.model`)."""
        await self._delete_tune(model.removesuffix("-ft"))

    async def _launch(self, job: TrainingJob, name: str) -> None:
        request = tune_request(job, name)
        try:
            if await self._settled(name):
                return
        except BackendError as error:
            raise self._explained(error, job.reference) from None
        datasets = await self._holdings.datasets(name)
        if datasets:
            # An earlier attempt has come this far, and perhaps further.
            dataset_id = min(datasets, key=lambda dataset: dataset.status == "failed").id
        else:
            self._stages[name] = "uploading"
            dataset_id = await self._upload(job, name)
        self._stages[name] = "validating"
        await self._validated(dataset_id)
        self._stages[name] = "creating"
        for pause in self._pace.in_flight if datasets else ():
            await asyncio.sleep(pause)
            if await self._settled(name):
                return
        request.settings.dataset_id = dataset_id
        await self._create(request, job, name)

    async def _settled(self, name: str) -> bool:
        """Whether there is a fine-tune of the name; of several only the oldest is left."""
        tunes = _alive(await self._holdings.tunes(name))
        for tune in tunes[1:]:
            await self._delete_tune(tune.id)
        return bool(tunes)

    async def _upload(self, job: TrainingJob, name: str) -> str:
        """The id of the new dataset; should the answer be lost, the next launch finds its name."""
        with tempfile.TemporaryFile() as rows, tempfile.TemporaryFile() as evaluation_rows:
            await _rewritten(job.training, rows, job.template)
            evaluation = None
            if job.evaluation is not None:
                await _rewritten(job.evaluation, evaluation_rows, job.template)
                evaluation = ("evaluation.jsonl", evaluation_rows, "application/jsonl")
            try:
                answer = await self._client.call(
                    lambda: self._client.sdk.datasets.create(
                        name=name,
                        type="chat-finetune-input",
                        data=("training.jsonl", rows, "application/jsonl"),
                        eval_data=evaluation,
                    ),
                    repeat=False,
                )
            except BackendError as error:
                raise lenient(error) from None
        dataset_id = getattr(answer, "id", None)
        if not isinstance(dataset_id, str) or not dataset_id:
            raise self._unreadable()
        return dataset_id

    async def _validated(self, dataset_id: str) -> None:
        """Wait until the server has looked through the rows. Raises BackendError."""
        until = time.monotonic() + _LONGEST_VALIDATION
        while time.monotonic() < until:
            dataset = await self._holdings.dataset(dataset_id)
            if dataset is None:
                message = f"The backend {self._name} no longer has the rows it was given."
                raise BackendError("backend_failed", message, retryable=True)
            if dataset.status == "failed":
                raise BackendError("training_data_refused", self._refusal(dataset))
            if dataset.status in ("validated", "skipped"):
                return
            await asyncio.sleep(self._pace.look)
        raise BackendError(
            "backend_timeout", f"The backend {self._name} did not get done with validating."
        )

    async def _create(self, request: FinetunedModel, job: TrainingJob, name: str) -> None:
        try:
            await self._client.call(
                lambda: self._client.sdk.finetuning.create_finetuned_model(request=request),
                repeat=False,
            )
        except BackendError as error:
            failed = self._explained(lenient(error), job.reference)
        else:
            failed = self._unreadable()
        # The answer of a create proves nothing, neither good nor bad; what is there does.
        if not await self._settled(name):
            raise failed

    async def _tune(self, name: str) -> HeldTune | None:
        """The fine-tune of the name, by its id if that is known."""
        if (tune_id := self._ids.get(name)) is not None:
            tune = await self._holdings.tune(tune_id)
            if tune is not None and tune.status != "deleted":
                return tune
            del self._ids[name]
        tunes = await self._holdings.tunes(name)
        tune = next(iter(_alive(tunes) or tunes), None)
        if tune is not None:
            self._ids[name] = tune.id
        return tune

    async def _delete_datasets(self, name: str) -> list[HeldDataset]:
        """Delete all of the name; gives what they were."""
        none: list[HeldDataset] = []
        datasets = await unless_gone(lambda: self._holdings.datasets(name), none)
        for dataset in datasets:
            await self._holdings.delete_dataset(dataset.id)
        return datasets

    async def _delete_tunes(self, name: str) -> None:
        for tune in _alive(await unless_gone(lambda: self._holdings.tunes(name), [])):
            await self._delete_tune(tune.id)

    async def _delete_tune(self, tune_id: str) -> None:
        await self._holdings.delete_tune(tune_id)
        self._standing.forget(tune_id)

    def _explained(self, error: BackendError, reference: str) -> BackendError:
        """The error with what to do instead, if the server does not fine-tune (any more)."""
        if not is_gone(error):
            return error
        said = error.failure.message if isinstance(error, RemoteError) else error.message
        return BackendError(
            "capability_unavailable",
            f"The backend {self._name} does not take the fine-tune: {_short(said).rstrip('.')}.",
            hint=_ELSEWHERE.format(reference),
        )

    def _unreadable(self) -> BackendError:
        message = f"The backend {self._name} gave an answer that cannot be read."
        return BackendError("backend_failed", message, retryable=True)

    def _refusal(self, dataset: HeldDataset) -> str:
        """What the server says against the rows."""
        said = [dataset.error or "no reason given", *dataset.warnings[:_SHOWN_WARNINGS]]
        sentences = "; ".join(_short(sentence) for sentence in said)
        return f"The backend {self._name} does not take the training data: {sentences}"


async def _rewritten(examples: Examples, target: IO[bytes], template: Template) -> None:
    def write() -> None:
        target.writelines(line.encode("ascii") for line in chats(examples.rows, template))
        target.seek(0)

    await asyncio.to_thread(write)


def _alive(tunes: Sequence[HeldTune]) -> list[HeldTune]:
    return [tune for tune in tunes if tune.status != "deleted"]


def _short(sentence: str) -> str:
    sentence = " ".join(sentence.split())
    if len(sentence) <= _LONGEST_SENTENCE:
        return sentence or "no reason given"
    return sentence[: _LONGEST_SENTENCE - 1] + "…"
