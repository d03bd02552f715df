"""What the extraction batches room says on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.extraction_batches.states import Status
from app.extractions.service import ExtractionOptions
from app.notifications.service import Notify
from app.platform.failures import JobFailure
from app.platform.progress import Share
from app.prompts.tasks import Task

ResultFormat = Literal["jsonl", "pubtator", "bioc", "bioc_json"]
SplitName = Annotated[str, Field(min_length=1, max_length=50)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class BatchRequest(BaseModel):
    """What to ask, of which model."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(
        min_length=1,
        max_length=200,
        description="A model's id, an alias, or a fine-tune that has succeeded.",
        examples=["local:rules"],
    )
    tasks: list[Task] | None = Field(
        default=None,
        min_length=1,
        max_length=3,
        description="What to extract; all that the model can if not given.",
    )
    options: ExtractionOptions = Field(default_factory=ExtractionOptions)
    name: Name | None = Field(default=None, examples=["screening"])
    notify: Notify = []
    store_text: bool | None = Field(
        default=None,
        description="With false no text is kept: results hold hashes and offsets, and are to be "
        "had as JSONL alone. Null: as the service is set up, which is to keep them unless "
        "MEDTUNE_STORE_TEXT says otherwise.",
        examples=[True],
    )


class DatasetBatchRequest(BatchRequest):
    """The same, about the documents of a dataset; all of its splits if none is named."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model": "local:rules",
                    "dataset_id": "ds_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6",
                    "name": "screening",
                }
            ]
        }
    )

    dataset_id: str = Field(max_length=100, examples=["ds_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])
    split: SplitName | None = None
    splits: list[SplitName] | None = Field(default=None, min_length=1, max_length=100)

    @model_validator(mode="after")
    def _not_both(self) -> "DatasetBatchRequest":
        if self.split is not None and self.splits is not None:
            raise ValueError("give either split or splits")
        return self

    @property
    def wanted(self) -> list[str] | None:
        """Names of the splits, each once; None: all."""
        names = [self.split] if self.split is not None else self.splits
        return None if names is None else list(dict.fromkeys(names))


class BatchUsage(BaseModel):
    """Tokens a generating backend has charged for; 0 for models that do not generate."""

    input_tokens: int
    output_tokens: int


class ExtractionBatch(BaseModel):
    """A model asked about many texts."""

    id: str = Field(examples=["bat_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])
    name: str
    status: Status
    model: str = Field(description="Its id, whatever name it was asked for by.")
    tasks: list[Task]
    options: ExtractionOptions
    dataset_id: str | None = Field(description="Null for an upload.")
    splits: list[str] | None
    store_text: bool = Field(description="Whether its texts are kept with it.")
    documents: int | None = Field(description="Of the input; null until it has been read.")
    succeeded: int = Field(description="Documents answered so far.")
    failed: int = Field(description="Documents given up so far; see `/failures`.")
    progress: Share = Field(
        description="Share of the documents that is done, 0 to 1; it never falls."
    )
    rate: float | None = Field(description="Documents a second, of late.", examples=[151.3])
    seconds_left: float | None = Field(description="At this rate.", examples=[640.0])
    usage: BatchUsage
    notify: list[str] = Field(description="Ids of the targets that are told of its end.")
    error: JobFailure | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class BatchEvent(BaseModel):
    """Something that happened to a batch."""

    sequence: int
    type: str = Field(description="Mostly the status it went to.", examples=["running"])
    at: datetime
    data: dict[str, Any]


class FailedDocument(BaseModel):
    """A document that has no answer, and why."""

    index: int = Field(description="Its place in the input, from 0.", examples=[17])
    id: str
    code: str = Field(description="Explained in docs/errors.md.", examples=["text_too_long"])
    message: str
