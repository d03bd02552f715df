"""What the fine-tunes room says on the wire."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from app.fine_tunes.states import Status
from app.notifications.service import Notify
from app.platform.failures import JobFailure
from app.platform.progress import Share

_DEEPEST = 5


def _depth(value: object) -> int:
    """How deeply lists and dictionaries are nested, without recursion; stops at too deep."""
    level, depth = [value], 0
    while level and depth <= _DEEPEST:
        nested = [v for v in level if isinstance(v, dict | list)]
        level = [each for v in nested for each in (v.values() if isinstance(v, dict) else v)]
        depth += bool(nested)
        if not nested:
            break
    return depth


def _not_deep(value: object) -> object:
    if _depth(value) > _DEEPEST:
        raise ValueError(f"nested deeper than {_DEEPEST}")
    return value


Hyperparameters = Annotated[dict[str, Any], BeforeValidator(_not_deep)]
Vocabularies = Annotated[
    list[Annotated[str, StringConstraints(min_length=1, max_length=100)]], Field(max_length=10)
]


class FineTuneRequest(BaseModel):
    """What to train, on what, and where."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "training_file_id": "tf_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6",
                    "backend": "local",
                    "hyperparameters": {"preset": "balanced"},
                    "name": "bc5cdr-balanced",
                },
            ]
        },
    )

    training_file_id: str = Field(max_length=100, examples=["tf_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])
    evaluation_file_id: str | None = Field(
        default=None,
        max_length=100,
        description="A training file to measure the model on; nothing is learnt from it.",
        examples=[None],
    )
    backend: str = Field(default="local", max_length=100, examples=["local"])
    base_model: str | None = Field(
        default=None,
        max_length=200,
        description="The backend's model to start from; null for its own choice.",
        examples=[None],
    )
    hyperparameters: Hyperparameters = Field(
        default_factory=dict,
        description="As the backend's JSON Schema in `GET /v1/backends` has them.",
        examples=[{"preset": "balanced"}],
    )
    vocabularies: Vocabularies = Field(
        default=[],
        description="Names or ids of the vocabularies that its model looks identifiers up in, "
        "the first one first; an extraction may name others.",
        examples=[[]],
    )
    name: str | None = Field(
        default=None, min_length=1, max_length=200, examples=["bc5cdr-balanced"]
    )
    notify: Notify = []


class RepeatRequest(BaseModel):
    """Where to train on the same data again; whatever is left out stays as it was."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"backend": "local"}]}
    )

    backend: str | None = Field(default=None, max_length=100, examples=["local"])
    base_model: str | None = Field(
        default=None,
        max_length=200,
        description="With another backend, null is that backend's own choice.",
    )
    hyperparameters: Hyperparameters | None = Field(
        default=None, description="With another backend, null are that backend's defaults."
    )
    vocabularies: Vocabularies | None = None
    name: str | None = Field(default=None, min_length=1, max_length=200)
    notify: Notify | None = None


class FineTune(BaseModel):
    """A training job."""

    id: str = Field(examples=["ft_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])
    name: str
    status: Status
    stage: str = Field(description="What the backend is at.", examples=["tagger"])
    progress: Share = Field(
        description="Share of the training that is done, 0 to 1; it never falls."
    )
    training_file_id: str
    evaluation_file_id: str | None
    backend: str
    base_model: str | None
    hyperparameters: dict[str, Any] = Field(description="All of them, defaults filled in.")
    vocabularies: list[str] = Field(description="Ids of the vocabularies its model uses.")
    notify: list[str] = Field(description="Ids of the targets that are told of its end.")
    model_id: str | None = Field(description="The model, once it has succeeded.")
    error: JobFailure | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class FineTuneEvent(BaseModel):
    """Something that happened to a fine-tune."""

    sequence: int = Field(examples=[1])
    at: datetime
    type: str = Field(examples=["training"])
    data: dict[str, Any]


class MetricValue(BaseModel):
    """One point of the training curve."""

    sequence: int = Field(examples=[1])
    stage: str = Field(examples=["tagger"])
    step: int = Field(examples=[1])
    name: str = Field(examples=["loss"])
    value: float = Field(examples=[12345.6])
