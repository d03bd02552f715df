"""A model card on the wire, after Mitchell et al., "Model Cards for Model Reporting" (2019)."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from app.evaluations.schemas import (
    Comparison,
    EvaluationOptions,
    EvaluationWarning,
    Latency,
    Overlap,
    Score,
)
from app.prompts.tasks import Task


class CardModel(BaseModel):
    """What it is."""

    id: str = Field(examples=["mdl_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])
    name: str = Field(examples=["bc5cdr-balanced"])
    kind: Literal["base", "tuned"]
    backend: str = Field(examples=["local"])
    base_model: str | None
    tasks: list[Task]
    description: str
    created_at: datetime | None
    retired_on: date | None


class CardSplit(BaseModel):
    """A split of the training data and what it holds."""

    name: str = Field(examples=["train"])
    documents: int = Field(examples=[500])
    mentions: dict[str, int] = Field(examples=[{"Chemical": 5203, "Disease": 4182}])
    relations: int = Field(examples=[1038])


class CardData(BaseModel):
    """What it was trained on."""

    dataset_id: str
    name: str = Field(examples=["bc5cdr"])
    version: str | None = Field(description="sha256 over the documents of all splits.")
    splits: list[CardSplit]
    documents: int = Field(description="Of these splits together.", examples=[500])
    mentions: dict[str, int] = Field(examples=[{"Chemical": 5203, "Disease": 4182}])
    relations: int = Field(examples=[1038])
    licence: str | None = Field(description="Null: nobody has told Medtune.")


class CardFigure(BaseModel):
    """What the training said of itself at its end."""

    stage: str = Field(examples=["calibration"])
    name: str = Field(examples=["expected_calibration_error"])
    value: float


class CardRecipe(BaseModel):
    """How it was trained."""

    backend: str
    base_model: str | None
    hyperparameters: dict[str, Any]
    template: str = Field(description="The wording of the prompts.", examples=["medtune-1"])
    template_hash: str
    text: str = Field(description="Which text the prompts show.", examples=["abstract"])
    tasks: list[Task]
    seconds: float | None = Field(description="From the launch to the end, queue left out.")
    figures: list[CardFigure] = Field(description="The last value of each measure of each stage.")


class CardVocabulary(BaseModel):
    """A vocabulary it looks identifiers up in."""

    id: str
    name: str = Field(examples=["mesh"])
    sha256: str | None = Field(description="Hash of the index.")
    concepts: int | None
    names: int | None


class CardScores(BaseModel):
    """What one evaluation measured of it."""

    evaluation_id: str
    name: str
    dataset_id: str
    dataset: str = Field(description="The dataset's name.", examples=["bc5cdr"])
    dataset_version: str | None
    splits: list[str] = Field(examples=[["dev"]])
    documents: int | None = Field(examples=[500])
    finished_at: datetime | None
    options: EvaluationOptions
    f1: float = Field(description="Mean of the headline F1 of its tasks.", examples=[0.72])
    headline: dict[Task, str] = Field(description="The first measure to look at.")
    scores: dict[Task, dict[str, Score | None]]
    errors: dict[Task, dict[str, int]] = Field(description="By task and cause.")
    latency: Latency
    ungrounded: int
    overlap: Overlap | None
    comparisons: list[Comparison] = Field(description="Those of this model with another.")
    warnings: list[EvaluationWarning]


class CardLimit(BaseModel):
    """What it is not for, or not good at; stable `code`s are in docs/model-cards.md."""

    code: str = Field(examples=["low_recall"])
    detail: str


class CardAncestor(BaseModel):
    """What it comes from; `sha256` is of the content where that is known by its hash."""

    kind: Literal["model", "fine-tune", "training file", "dataset"]
    id: str
    sha256: str | None
    created_at: datetime | None


class ModelCard(BaseModel):
    """What is known of a model: data, recipe, scores, limits, lineage.

    `data` and `recipe` of a base model are null: what they were is not known here.
    """

    model: CardModel
    data: CardData | None
    recipe: CardRecipe | None
    vocabularies: list[CardVocabulary]
    scores: list[CardScores] = Field(description="The 20 newest evaluations, the newest first.")
    protocols: dict[str, str] = Field(description="What exactly each measure counts.")
    limits: list[CardLimit]
    lineage: list[CardAncestor] = Field(description="From the model to the dataset.")
