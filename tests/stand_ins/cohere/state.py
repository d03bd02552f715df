"""What a stand-in holds: models, datasets, fine-tunes; and how they move on.

A dataset is validated, and a fine-tune trained, a step with each look at it (a GET of the one
thing), or with time. Shapes and names are those of Cohere's OpenAPI file.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from tests.stand_ins.cohere.mind import Knowledge

REMOVED = (
    "model '{0}' was removed on September 15, 2025. See https://docs.cohere.com/docs/models#{0} "
    "for a list of models you can use instead."
)
TRAINING = ("STATUS_QUEUED", "STATUS_FINETUNING", "STATUS_DEPLOYING_API", "STATUS_READY")
VALIDATION = ("queued", "processing", "validated")
BATCH = ("BATCH_STATUS_QUEUED", "BATCH_STATUS_IN_PROGRESS", "BATCH_STATUS_COMPLETED")
_FEATURES = ("json_mode", "json_schema", "safety_modes", "strict_tools", "tools")


def now() -> str:
    """The time as Cohere writes it: RFC 3339, UTC."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


@dataclass
class Model:
    """A model that chats, as `/v1/models` lists it."""

    name: str
    features: Sequence[str] = _FEATURES
    deprecated: bool = False
    finetuned: bool = False
    endpoints: Sequence[str] = ("chat",)
    context_length: int = 128_000

    def shown(self) -> dict[str, Any]:
        """The model on the wire."""
        return {
            "name": self.name,
            "is_deprecated": self.deprecated,
            "endpoints": list(self.endpoints),
            "finetuned": self.finetuned,
            "context_length": self.context_length,
            "tokenizer_url": None,
            "default_endpoints": [],
            "features": list(self.features) or None,
            "sampling_defaults": {"temperature": 0.3, "k": 0, "p": 0.75},
        }


MODELS = (
    Model("command-a-03-2025", context_length=256_000),
    Model("command-a-reasoning-08-2025", context_length=256_000),
    Model("command-r-08-2024"),
    Model("command-r7b-12-2024"),
    Model("command-light-nightly", features=(), deprecated=True, context_length=4096),
    Model("embed-v4.0", features=(), endpoints=("embed",), context_length=128_000),
)


@dataclass
class Paced:
    """Something that moves on with looks, or with time."""

    id: str = field(default_factory=lambda: str(uuid4()))
    created_at: str = field(default_factory=now)
    looks: int = 0
    begun: float = field(default_factory=time.monotonic)

    def steps(self, looks_a_step: int, seconds_a_step: float | None) -> int:
        """How many steps it has moved on."""
        if seconds_a_step is not None:
            return int((time.monotonic() - self.begun) / seconds_a_step)
        return self.looks // looks_a_step


@dataclass
class Dataset(Paced):
    """An uploaded dataset; `data` and `evaluation` are its files, `problems` what is wrong."""

    name: str = ""
    type: str = ""
    data: bytes = b""
    evaluation: bytes | None = None
    file_name: str = ""
    problems: Sequence[str] = ()
    warnings: Sequence[str] = ()
    knowledge: Knowledge = field(default_factory=Knowledge)
    metrics: Mapping[str, int] = field(default_factory=dict)
    parts: Sequence[Mapping[str, Any]] = ()


@dataclass
class FineTune(Paced):
    """A fine-tune; `request` is the body it was created with, `fails` says how it ends."""

    request: dict[str, Any] = field(default_factory=dict)
    knowledge: Knowledge = field(default_factory=Knowledge)
    fails: bool = False
    deleted: bool = False
    reached: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name it was given; need not be unique."""
        return str(self.request.get("name", ""))

    @property
    def model(self) -> str:
        """The name of the tuned model for chat."""
        return f"{self.id}-ft"


@dataclass
class Batch(Paced):
    """A batch of chats; `request` is the body it was created with."""

    request: dict[str, Any] = field(default_factory=dict)
    cancelled: bool = False
    output_id: str | None = None
    failed: int = 0

    @property
    def name(self) -> str:
        """The name it was given; need not be unique."""
        return str(self.request.get("name", ""))


@dataclass
class State:
    """All of it, and the knobs that tests turn.

    `stop_validation_at`, `stop_training_at` and `stop_batch_at` hold things in a status until set
    to None. `batch_edits` makes of a batch's output rows those that are written, `batch_cancelled`
    is how a cancelled one is called. `files` are what its store gives to whoever knows an address.
    """

    models: list[Model] = field(default_factory=lambda: list(MODELS))
    retired: dict[str, str] = field(default_factory=lambda: {"command": REMOVED.format("command")})
    datasets: dict[str, Dataset] = field(default_factory=dict)
    fine_tunes: dict[str, FineTune] = field(default_factory=dict)
    batches: dict[str, Batch] = field(default_factory=dict)
    batches_offered: bool = True
    batches_fail: bool = False
    batches_take_schema: bool = True
    batch_cancelled: str = "BATCH_STATUS_CANCELED"
    batch_edits: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] | None = None
    stop_batch_at: str | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    fine_tuning_offered: bool = True
    fine_tunes_fail: bool = False
    deleted_are_listed: bool = False
    validation_error: str | None = None
    validation_warnings: Sequence[str] = ()
    looks_a_step: int = 1
    seconds_a_step: float | None = None
    stop_validation_at: str | None = None
    stop_training_at: str | None = None
    steps_measured: int = 3
    largest_page: int = 1000

    def validation(self, dataset: Dataset) -> str:
        """The validation status of a dataset now."""
        steps = dataset.steps(self.looks_a_step, self.seconds_a_step)
        if self.stop_validation_at is not None:
            steps = min(steps, VALIDATION.index(self.stop_validation_at))
        if steps < len(VALIDATION) - 1:
            return VALIDATION[steps]
        return "failed" if dataset.problems else "validated"

    def training(self, tune: FineTune) -> str:
        """The status of a fine-tune now; writes the events of what it has passed."""
        if tune.deleted:
            return "STATUS_DELETED"
        steps = tune.steps(self.looks_a_step, self.seconds_a_step)
        if self.stop_training_at in TRAINING:
            steps = min(steps, TRAINING.index(self.stop_training_at))
        path = (*TRAINING[:2], "STATUS_FAILED") if tune.fails else TRAINING
        tune.reached = max(tune.reached, min(steps, len(path) - 1))
        if self.stop_training_at is not None and self.stop_training_at not in TRAINING:
            return self.stop_training_at
        for status in path[len(tune.events) : tune.reached + 1]:
            tune.events.append({"user_id": "", "status": status, "created_at": now()})
        return path[tune.reached]

    def ready(self, model: str) -> FineTune | None:
        """The fine-tune whose model this is, if it may be chatted with."""
        tune = self.fine_tunes.get(model.removesuffix("-ft"))
        if tune is None or not model.endswith("-ft") or self.training(tune) != "STATUS_READY":
            return None
        return tune
