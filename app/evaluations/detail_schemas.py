"""What the evaluations room says on the wire of single documents."""

from typing import Literal

from pydantic import BaseModel, Field

from app.evaluations.schemas import Comparison
from app.prompts.tasks import Task

ChangeKind = Literal["gained", "lost", "false_positive_removed", "false_positive_added"]


class DocumentCounts(BaseModel):
    """Counts of one document."""

    tp: int
    fp: int
    fn: int


class Place(BaseModel):
    """A mention, in code points of the document's text; empty for a concept without mention."""

    start: int
    end: int
    text: str


class Change(BaseModel):
    """A mention (or the two sides of a relation, at their first mentions) that differs."""

    kind: ChangeKind = Field(
        description="`gained`: right, and only the model found it; `lost`: only the baseline did."
    )
    places: list[Place] = Field(description="One mention; of a relation chemical and disease.")
    identifiers: list[str]


class ComparedDocument(BaseModel):
    """One document as both models did it."""

    document_id: str
    split: str
    outcome: Literal["won", "lost", "tied"]
    baseline: DocumentCounts
    model: DocumentCounts
    changes: list[Change] = Field(description="By the headline measure of the task.")


class DetailedComparison(Comparison):
    """A comparison with its documents, the largest differences first, page by page."""

    documents: list[ComparedDocument]
    next_cursor: str | None = Field(description="Pass as `cursor` to get the next page.")


class ErrorInContext(BaseModel):
    """One error: `context` is a stretch of the document's text that begins at `context_start`."""

    document_id: str
    split: str
    model: str
    task: Task
    outcome: Literal["missed", "spurious"]
    cause: str = Field(examples=["boundary"])
    start: int
    end: int
    text: str = Field(description="The mention; of a relation the first one of its chemical.")
    type: str | None = Field(description="Null for relations.", examples=["Disease"])
    identifiers: list[str] = Field(description="Annotated if missed, answered if spurious.")
    instead: list[str] = Field(description="Identifiers answered in their place.")
    other: Place | None = Field(
        description="The mention it was taken for, if it overlaps one; of a relation the first "
        "mention of its disease."
    )
    context: str
    context_start: int
