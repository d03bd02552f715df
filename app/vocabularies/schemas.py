"""What the vocabularies room says on the wire."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from app.corpora.documents import MentionType
from app.platform.failures import JobFailure
from app.platform.progress import Share

VocabularyStatus = Literal["building", "ready", "failed"]
NAME = "[a-z0-9][a-z0-9._-]{0,63}"
# Of one upload, or in one archive.
MOST_FILES = 10


class VocabularyFile(BaseModel):
    """One uploaded file; it is kept only until the index is built."""

    filename: str = Field(examples=["desc2026.gz"])
    format: str = Field(
        description="Several, joined by `+`, of an archive of several files.",
        examples=["mesh_descriptors"],
    )
    sha256: str = Field(description="Hash of the bytes as uploaded.")
    bytes: int


class VocabularyStatistics(BaseModel):
    """What the index holds."""

    concepts: int = Field(examples=[14_000])
    names: int = Field(examples=[250_000])
    by_type: dict[str, int] = Field(
        description="Concepts of each type.", examples=[{"Chemical": 9_000, "Disease": 5_000}]
    )
    skipped: int = Field(
        description="Concepts of the files that are left out: neither chemical nor disease."
    )


class Vocabulary(BaseModel):
    """Names of concepts, to look identifiers up in."""

    id: str = Field(examples=["voc_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])
    name: str = Field(description="May stand wherever the id may.", examples=["mesh"])
    status: VocabularyStatus
    progress: Share = Field(description="Share of the work that is done, 0 to 1; it never falls.")
    type: MentionType | None = Field(
        description="Of all concepts of plain files; other formats say it of each."
    )
    files: list[VocabularyFile]
    sha256: str | None = Field(description="Hash of the index.")
    bytes: int | None = Field(description="Size of the index.")
    statistics: VocabularyStatistics | None
    error: JobFailure | None
    created_at: datetime
    finished_at: datetime | None


class FoundConcept(BaseModel):
    """A concept that a name was looked up to."""

    type: MentionType
    identifier: str = Field(examples=["MESH:D056486"])
    preferred_name: str | None = Field(examples=["Chemical and Drug Induced Liver Injury"])
    match: Literal["exact", "similar"] = Field(
        description="`exact` but for case, plural, hyphens, Greek letters and order of the words."
    )
    score: float = Field(description="Similarity of the names, 0 to 1.", examples=[1.0])


class Lookup(BaseModel):
    """What a name means; empty if no name is like it, with a similarity of 0.5 at least."""

    items: list[FoundConcept]
