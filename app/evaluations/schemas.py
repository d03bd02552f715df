"""What the evaluations room says on the wire."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.backends.base import Mode
from app.notifications.service import Notify
from app.platform.distinct import Distinct
from app.platform.failures import JobFailure
from app.platform.progress import Share
from app.prompts.tasks import Task

DEFAULT_RESAMPLES = 10_000

ModelName = Annotated[str, Field(min_length=1, max_length=200)]
SplitName = Annotated[str, Field(min_length=1, max_length=50)]


class EvaluationStatus(StrEnum):
    """Where an evaluation stands; the last three are for good."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


# The long name is for the OpenAPI file, where all rooms meet.
Status = EvaluationStatus
UNFINISHED = (Status.QUEUED, Status.RUNNING)


class EvaluationOptions(BaseModel):
    """How all models are to answer; as in an extraction."""

    model_config = ConfigDict(extra="forbid")

    vocabularies: list[Annotated[str, Field(min_length=1, max_length=100)]] | None = Field(
        default=None,
        max_length=10,
        description="Vocabularies to look identifiers up in; null: those a model was trained with.",
    )
    min_precision: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Answer only what is right this often on held-out documents.",
    )
    mode: Mode = Field(default="auto", description="How a generating base model answers.")
    temperature: float = Field(default=0.0, ge=0, le=5, description="For generating models.")
    max_tokens: int | None = Field(
        default=None, ge=1, le=1_000_000, description="For generating models: longest answer."
    )


class Price(BaseModel):
    """What a model's tokens cost, per million."""

    model_config = ConfigDict(extra="forbid")

    input: float = Field(ge=0, le=1e9, examples=[2.5])
    output: float = Field(ge=0, le=1e9, examples=[10.0])
    currency: str = Field(default="USD", pattern="^[A-Z]{3}$")


class EvaluationRequest(BaseModel):
    """Which models to measure, and on what."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "models": ["local:rules"],
                    "dataset_id": "ds_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6",
                    "split": "dev",
                },
            ]
        },
    )

    models: Distinct[ModelName] = Field(
        min_length=1,
        max_length=10,
        description="Ids, aliases, or fine-tunes that have succeeded; all others are compared with "
        "the first.",
        examples=[["local:rules"]],
    )
    dataset_id: str = Field(max_length=100, examples=["ds_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])
    split: SplitName | None = Field(
        default=None, description="One split; or give `splits`.", examples=["dev"]
    )
    splits: Distinct[SplitName] | None = Field(
        default=None,
        min_length=1,
        max_length=50,
        description="Several splits; all of them if neither is given.",
    )
    tasks: Distinct[Task] | None = Field(
        default=None,
        min_length=1,
        max_length=3,
        description="If not given: what the splits have annotations of and every model can do.",
    )
    name: str | None = Field(default=None, min_length=1, max_length=200)
    options: EvaluationOptions = Field(default_factory=EvaluationOptions)
    prices: dict[ModelName, Price] = Field(
        default_factory=dict,
        max_length=10,
        description="By the models' names as given in `models`.",
    )
    resamples: int = Field(
        default=DEFAULT_RESAMPLES,
        ge=100,
        le=100_000,
        description="Of the bootstrap behind each comparison.",
    )
    notify: Notify = []

    @model_validator(mode="after")
    def _fits(self) -> "EvaluationRequest":
        if self.split is not None and self.splits is not None:
            raise ValueError("give either split or splits")
        if not set(self.prices) <= set(self.models):
            raise ValueError("a price belongs to no model that is asked for")
        return self


class Score(BaseModel):
    """Counts over all documents, and what follows from them (0 to 1)."""

    tp: int = Field(examples=[3912])
    fp: int = Field(examples=[640])
    fn: int = Field(examples=[332])
    precision: float = Field(examples=[0.8594])
    recall: float = Field(examples=[0.9218])
    f1: float = Field(examples=[0.8895])


class Latency(BaseModel):
    """How long a model took; `documents_per_second` counts all that were asked at once."""

    p50_ms: float = Field(description="Of one document.", examples=[3.1])
    p95_ms: float = Field(examples=[7.4])
    documents_per_second: float = Field(examples=[310.2])


class TokenUsage(BaseModel):
    """Tokens charged for, over all documents; 0 for models that do not generate."""

    input_tokens: int
    output_tokens: int


class Cost(BaseModel):
    """What the tokens cost at the price given."""

    amount: float = Field(examples=[1.37])
    currency: str = Field(examples=["USD"])


class Overlap(BaseModel):
    """How many of the documents evaluated the model was trained on, by the sha256 of their text."""

    documents: int = Field(examples=[0])
    of: int = Field(examples=[500])


class EvaluationResult(BaseModel):
    """What was measured of one model."""

    model: str = Field(examples=["mdl_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])
    asked: str = Field(description="The name it was asked for by.", examples=["production"])
    name: str = Field(examples=["bc5cdr-balanced"])
    tasks: list[Task] = Field(description="Those of the evaluation that the model can do.")
    scores: dict[Task, dict[str, Score | None]] = Field(
        description="By task and measure; null where the model cannot be measured so."
    )
    f1: float = Field(description="Mean of the headline F1 of its tasks.", examples=[0.72])
    errors: dict[Task, dict[str, int]] = Field(
        description="How many errors there are, by task and cause.",
        examples=[{"diseases": {"boundary": 120, "spurious": 310}}],
    )
    latency: Latency
    usage: TokenUsage
    cost: Cost | None = Field(description="Null without a price.")
    ungrounded: int = Field(description="Names given that the text does not hold.")
    overlap: Overlap | None = Field(
        description="Null for base models: nobody here knows what those were trained on."
    )


class Comparison(BaseModel):
    """One model against another: `difference` is the model's F1 less the baseline's."""

    baseline: str
    model: str
    task: Task
    measure: str = Field(examples=["mentions_strict"])
    difference: float = Field(examples=[0.0234])
    low: float = Field(description="Lower end of the confidence interval.", examples=[0.0121])
    high: float = Field(examples=[0.0348])
    confidence: float = Field(examples=[0.95])
    p_value: float = Field(description="Two-sided.", examples=[0.0002])
    won: int = Field(description="Documents on which the model's F1 is higher.", examples=[210])
    lost: int = Field(examples=[96])
    tied: int = Field(examples=[194])
    resamples: int = Field(examples=[DEFAULT_RESAMPLES])


class EvaluationWarning(BaseModel):
    """Something to know before the scores are believed; stable `code`s are in docs/evaluations.md.

    `model` is null if it concerns all of them.
    """

    code: str = Field(examples=["evaluated_on_training_documents"])
    model: str | None
    detail: str


class Evaluation(BaseModel):
    """Models measured on annotated documents."""

    id: str = Field(examples=["ev_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])
    name: str
    dataset_id: str
    splits: list[str]
    tasks: list[Task]
    models: list[str] = Field(description="Ids of the models, in the order they were asked for.")
    options: EvaluationOptions
    status: Status
    stage: str = Field(description="What the job is at: the id of a model, or `comparing`.")
    progress: Share = Field(description="Share of the work that is done, 0 to 1; it never falls.")
    documents: int | None = Field(description="How many there are, once it runs.")
    results: list[EvaluationResult] = Field(description="Of each model; empty until succeeded.")
    comparisons: list[Comparison] = Field(
        description="The first model against each other one, task by task, headline measure."
    )
    protocols: dict[str, str] = Field(description="What exactly each measure counts.")
    warnings: list[EvaluationWarning]
    notify: list[str] = Field(description="Ids of the targets that are told of its end.")
    error: JobFailure | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
