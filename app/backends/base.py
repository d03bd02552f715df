"""What a backend promises: train a model from documents, and annotate texts with it.

A backend speaks documents, never prompts; what it cannot do it says in its capabilities. All
offsets are code points into the text given. Implementations are safe to call from one event loop
concurrently and never block it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from pydantic import BaseModel

from app.corpora.documents import Document, MentionType
from app.prompts.tasks import Task
from app.prompts.templates import Template

Match = Literal["exact", "normalised", "fuzzy"]
Mode = Literal["auto", "json", "list"]


@dataclass(frozen=True, slots=True)
class FoundMention:
    """A span the model found; `score` is its probability, 0 to 1, or None where there is none."""

    start: int
    end: int
    type: MentionType
    identifiers: tuple[str, ...] = ()
    score: float | None = None
    match: Match = "exact"


@dataclass(frozen=True, slots=True)
class FoundRelation:
    """A relation between the concepts of two mentions, given as indices into the mentions.

    `evidence` are the sentence spans (start, end) that speak for it.
    """

    chemical: int
    disease: int
    type: str = "influences"
    score: float | None = None
    evidence: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Annotations:
    """What was found in one text: mentions in text order, relations, and what has no place there.

    `ungrounded` are (task, item) pairs a generating model named but the text does not hold.
    """

    mentions: tuple[FoundMention, ...] = ()
    relations: tuple[FoundRelation, ...] = ()
    ungrounded: tuple[tuple[Task, str], ...] = ()
    warnings: tuple[str, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class ExtractOptions:
    """How to answer; a backend takes no notice of what does not concern it.

    For backends that generate: `template` is the wording a tuned model was trained with, None for a
    base model. `mode` is how the answer is written: `json` after a schema, `list` as the training
    files do, `auto` as suits the model. `max_tokens` None leaves it to the backend.

    `vocabularies` are index files (`app.terminology`) to look identifiers up in. With
    `min_precision`, 0 to 1, only what is right this often on held-out documents is answered; a
    model without such scores refuses it (BackendError `min_precision_unavailable`).
    """

    template: Template | None = None
    mode: Mode = "auto"
    temperature: float = 0.0
    max_tokens: int | None = None
    vocabularies: tuple[Path, ...] = ()
    min_precision: float | None = None


DEFAULT_OPTIONS = ExtractOptions()


class JobStatus(StrEnum):
    """Where a launched training job stands; LOST means the backend no longer knows of it."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """One point of a training curve: `name` (`loss`, `f1`, ...) at `step` of `stage`."""

    stage: str
    step: int
    name: str
    value: float


@dataclass(frozen=True, slots=True)
class JobState:
    """A snapshot of a training job; `progress` is 0 to 1, `metrics` the whole series so far.

    `model` (once succeeded) is the backend's own name for the model, to be passed to `extract`;
    `warnings` are what it has said of the training data so far, in order.
    """

    status: JobStatus
    progress: float = 0.0
    stage: str = ""
    metrics: Sequence[MetricPoint] = ()
    model: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    warnings: Sequence[str] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Examples:
    """Annotated documents to learn from; a backend reads whichever file it understands.

    `documents` has canonical document lines (`app.corpora.canonical`), `rows` is the JSONL training
    file built from them, in either row format.
    """

    documents: Path
    rows: Path


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """What to train: `reference` names the job for ever, launching it twice trains once.

    `evaluation` are examples to measure on and never to learn from. `vocabularies` are index files
    (`app.terminology`) that the model may look identifiers up in; `extract` is given them again.
    """

    reference: str
    base_model: str | None
    tasks: frozenset[Task]
    template: Template
    hyperparameters: Mapping[str, Any]
    training: Examples
    evaluation: Examples | None = None
    vocabularies: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class BaseModelInfo:
    """A model one may extract with, or start a training from, without having trained anything."""

    name: str
    description: str
    tasks: frozenset[Task]
    can_extract: bool = True
    can_tune: bool = False
    retired_on: date | None = None
    replaced_by: str | None = None


class BackendError(Exception):
    """A backend could not do what was asked; `code` is stable, `retryable` says to try again.

    Message and hint (what to do instead) may be shown to clients and never hold text, keys or
    tracebacks. `retry_after` is in seconds, where the backend has said so; `retired_on` goes with
    the code `retired`.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retryable: bool = False,
        hint: str | None = None,
        retry_after: float | None = None,
        retired_on: date | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retryable = retryable
        self.hint = hint
        self.retry_after = retry_after
        self.retired_on = retired_on


class Backend(Protocol):
    """A place where models are trained and run.

    `trainings_at_once` of one process; a training's state is asked for every `poll_seconds`. With
    `lists_all_models` there is no base model but those that `base_models` lists; a server may run
    others too. `setup_hint` is what to tell clients of one that is not `configured`.
    """

    name: str
    configured: bool
    setup_hint: str | None
    lists_all_models: bool
    trainings_at_once: int
    poll_seconds: float

    @property
    def hyperparameters(self) -> type[BaseModel] | None:
        """The typed hyperparameters of a training, or None if this backend does not train."""

    async def open(self) -> None:
        """Load what takes long to load; called once, when the service starts.

        Waits for no server, and what is not opened still works: the first call is slow.
        """

    async def base_models(self) -> Sequence[BaseModelInfo]:
        """The models that are there without any training."""

    async def extract(
        self,
        model: str,
        texts: Sequence[str],
        tasks: frozenset[Task],
        options: ExtractOptions = DEFAULT_OPTIONS,
    ) -> list[Annotations]:
        """Annotate each text with `model` (a base model's name or `JobState.model`), in order.

        Raises BackendError (`model_not_found`, `backend_unavailable`, ...).
        """

    async def launch(self, job: TrainingJob) -> None:
        """Start the job, unless one of this reference runs or has succeeded already.

        May take as long as it takes to hand over the data; `poll` can be asked meanwhile. When it
        is cut off (cancelled, or its process killed) at any moment, launching again trains once.
        """

    async def poll(self, reference: str) -> JobState:
        """How the job stands now; LOST if nothing is known of it."""

    async def cancel(self, reference: str) -> None:
        """Stop the job; returns when it no longer runs. Safe to repeat."""

    async def forget(self, reference: str) -> None:
        """The job has ended and its outcome is stored elsewhere: keep nothing of it but the model.

        Safe to repeat, and for jobs never launched.
        """

    async def delete_model(self, model: str) -> None:
        """Remove a trained model for good. Safe to repeat."""

    async def close(self) -> None:
        """Stop whatever this process runs for the backend; unfinished jobs become LOST."""


@runtime_checkable
class RelatesMentions(Protocol):
    """A backend that can also find relations among mentions it is given."""

    async def relate(
        self, model: str, documents: Sequence[Document]
    ) -> list[tuple[FoundRelation, ...]] | None:
        """For each document the relations among its own mentions, as indices into them.

        None if this model finds no relations by itself. Raises BackendError as `extract`.
        """


@runtime_checkable
class ExtractsBatches(Protocol):
    """A backend with a way of its own to annotate many texts, for jobs in no hurry."""

    async def extract_batch(
        self,
        reference: str,
        model: str,
        texts: Sequence[str],
        tasks: frozenset[Task],
        options: ExtractOptions = DEFAULT_OPTIONS,
    ) -> list["Annotations | BackendError"] | None:
        """For each text its annotations or why there are none; None: use `extract` here.

        `reference` names the batch for ever: whoever was cut off and asks again is answered
        without the work being paid for twice, where the backend can help it. To be dropped once
        the answers are stored. May take hours. Raises BackendError if nothing could be done for
        any text.
        """

    async def drop_batch(self, reference: str) -> None:
        """Stop one that is at work still, and keep no text of it. Raises BackendError."""
