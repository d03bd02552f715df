"""What the training files room says on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.platform.distinct import Distinct
from app.platform.failures import JobFailure
from app.platform.progress import Share
from app.prompts.render import RowFormat, TextChoice
from app.prompts.tasks import Task

TrainingFileStatus = Literal["building", "ready", "failed"]


class TrainingFileRequest(BaseModel):
    """What to build a training file from."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "dataset_id": "ds_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6",
                    "tasks": ["diseases", "chemicals", "relations"],
                    "splits": ["train"],
                },
            ]
        },
    )

    dataset_id: str = Field(max_length=100, examples=["ds_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])
    tasks: Distinct[Task] | None = Field(
        default=None,
        min_length=1,
        max_length=3,
        description="One row a document for each task; all that the splits have annotations of if "
        "not given.",
        examples=[["diseases", "chemicals", "relations"]],
    )
    splits: Distinct[Annotated[str, Field(min_length=1, max_length=50)]] = Field(
        default=["train"], min_length=1, max_length=50, examples=[["train"]]
    )
    text: TextChoice = Field(
        default="abstract", description="Which text the prompts show; titles are often short."
    )
    format: RowFormat = Field(
        default="prompt_completion", description="`chat` spells roles as Cohere does."
    )


class TaskStatistics(BaseModel):
    """The rows of one task."""

    rows: int = Field(examples=[500])
    items: int = Field(description="Items of all answers.", examples=[2100])
    empty: int = Field(description="Rows whose answer is an empty list.", examples=[3])


class TrainingFileStatistics(BaseModel):
    """What the file holds."""

    rows: int = Field(examples=[1500])
    documents: int = Field(examples=[500])
    tasks: dict[str, TaskStatistics]
    relations_left_out: dict[str, int] = Field(
        description="Annotated relations that the text used cannot name, by reason.",
        examples=[{"chemical_not_in_text": 12}],
    )
    characters: int = Field(description="Code points of prompts and answers.")
    estimated_tokens: int = Field(description="characters / 4, a rule of thumb for English.")


class TrainingFile(BaseModel):
    """A JSONL training file."""

    id: str = Field(examples=["tf_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])
    dataset_id: str
    status: TrainingFileStatus
    progress: Share = Field(
        description="Share of the documents that is written, 0 to 1; it never falls."
    )
    tasks: list[Task]
    splits: list[str]
    text: TextChoice
    format: RowFormat
    template: str = Field(description="Id of the prompts' wording.", examples=["medtune-1"])
    template_hash: str
    reference: str = Field(
        description="sha256 over dataset version and request: the same for the same content."
    )
    sha256: str | None = Field(description="Hash of the file's bytes, once it is ready.")
    bytes: int | None
    statistics: TrainingFileStatistics | None
    error: JobFailure | None
    created_at: datetime
    finished_at: datetime | None
