"""What the datasets room says on the wire."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.platform.failures import JobFailure
from app.platform.progress import Share

DatasetStatus = Literal["validating", "ready", "failed"]


class DatasetFile(BaseModel):
    """One uploaded file."""

    model_config = ConfigDict(from_attributes=True)

    filename: str = Field(examples=["train.pubtator.txt"])
    split: str | None = Field(description="As given; null: as the file says.", examples=["train"])
    sha256: str = Field(description="Hash of the bytes as uploaded.")
    bytes: int


class DatasetSplit(BaseModel):
    """One split and what it holds."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(examples=["train"])
    documents: int = Field(examples=[500])
    mentions: dict[str, int] = Field(examples=[{"Chemical": 5203, "Disease": 4182}])
    relations: int = Field(examples=[1038])
    characters: int = Field(description="Unicode code points of text.", examples=[650_000])


class ReportSummary(BaseModel):
    """How many problems were found, all counted; the report lists the first 100,000 of them."""

    errors: int = Field(examples=[0])
    warnings: int = Field(examples=[0])
    by_code: dict[str, int] = Field(examples=[{}])


class Dataset(BaseModel):
    """An uploaded corpus."""

    id: str = Field(examples=["ds_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])
    name: str = Field(examples=["bc5cdr"])
    status: DatasetStatus
    progress: Share = Field(
        description="Share of the files' bytes that has been read, 0 to 1; it never falls."
    )
    format: str | None = Field(examples=["pubtator"])
    version: str | None = Field(description="sha256 over the documents of all splits.")
    based_on: str | None = Field(
        description="The dataset that a revision began with; it may be deleted by now."
    )
    error: JobFailure | None
    files: list[DatasetFile]
    splits: list[DatasetSplit]
    report: ReportSummary
    created_at: datetime
    finished_at: datetime | None


class ReportedProblem(BaseModel):
    """One finding of the validation; never with text of a document."""

    severity: Literal["error", "warning"]
    code: str = Field(examples=["offset_mismatch"])
    file: str | None = Field(description="The uploaded file, or the file inside the archive.")
    line: int | None = Field(description="1-based, where it is known.", examples=[12])
    document_id: str | None = Field(examples=["227508"])
    message: str
    hint: str


class DatasetReport(BaseModel):
    """One page of the validation report."""

    dataset_id: str
    status: DatasetStatus
    summary: ReportSummary
    items: list[ReportedProblem]
    next_cursor: str | None


class DocumentPassage(BaseModel):
    """A passage; `offset` counts code points from the document's start."""

    model_config = ConfigDict(from_attributes=True)

    type: str = Field(examples=["title"])
    offset: int
    text: str


class DocumentMention(BaseModel):
    """A mention: `text` is the document's text from `start` to `end` (code points)."""

    model_config = ConfigDict(from_attributes=True)

    start: int
    end: int
    text: str = Field(examples=["glaucoma"])
    type: str = Field(examples=["Disease"])
    identifiers: list[str] = Field(examples=[["MESH:D005901"]])
    parts: list[str] = Field(description="Names of a composite's parts, where the file had them.")


class DocumentRelation(BaseModel):
    """A relation between two concepts of the document."""

    model_config = ConfigDict(from_attributes=True)

    type: str = Field(examples=["CID"])
    chemical: str = Field(examples=["MESH:D008750"])
    disease: str = Field(examples=["MESH:D007022"])


class DatasetDocument(BaseModel):
    """One annotated document."""

    id: str = Field(examples=["90000001"])
    split: str = Field(examples=["train"])
    passages: list[DocumentPassage]
    mentions: list[DocumentMention]
    relations: list[DocumentRelation]
