"""Corrected documents, as a client sends them to become a new version of a dataset.

The shape is that of `GET /v1/datasets/{id}/documents`: a document read there can be sent back.
"""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_DOCUMENTS = 1_000


class RevisedPassage(BaseModel):
    """A passage; without `offset` it begins one code point after the passage before it."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(max_length=200, examples=["abstract"])
    text: str
    offset: int | None = None


class RevisedMention(BaseModel):
    """A span of the document's text, in code points through all passages."""

    model_config = ConfigDict(extra="forbid")

    start: int = Field(examples=[0])
    end: int = Field(examples=[7])
    text: str | None = Field(
        default=None,
        description="What stands there; if given, it must be the text from `start` to `end`.",
        examples=["Aspirin"],
    )
    type: str = Field(max_length=200, examples=["Chemical"])
    identifiers: list[str] = Field(default=[], examples=[["MESH:D001241"]])
    parts: list[str] = Field(default=[], description="Names of a composite's parts.")


class RevisedRelation(BaseModel):
    """A relation between two concepts, each of an identifier that a mention has."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(default="CID", max_length=200)
    chemical: str = Field(examples=["MESH:D001241"])
    disease: str = Field(examples=["MESH:D001249"])


class RevisedDocument(BaseModel):
    """One document with its annotations: with `passages`, or with `title` and `abstract`."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(examples=["90000001"])
    split: str = Field(min_length=1, max_length=50, examples=["train"])
    passages: list[RevisedPassage] | None = Field(default=None, min_length=1)
    title: str | None = Field(default=None, examples=["Aspirin and asthma."])
    abstract: str | None = Field(default=None, examples=["Aspirin may cause asthma."])
    mentions: list[RevisedMention] = []
    relations: list[RevisedRelation] = []

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.passages is None) == (self.title is None and self.abstract is None):
            raise ValueError("give either passages, or title and abstract")
        return self

    def all_passages(self) -> list[RevisedPassage]:
        """The passages, whichever way they were given."""
        if self.passages is not None:
            return self.passages
        named = (("title", self.title), ("abstract", self.abstract))
        return [RevisedPassage(type=type_, text=text) for type_, text in named if text is not None]


class Revision(BaseModel):
    """What is to be different in the new version."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "sample, corrected",
                    "documents": [
                        {
                            "id": "90000001",
                            "split": "train",
                            "title": "Aspirin and asthma.",
                            "mentions": [
                                {
                                    "start": 0,
                                    "end": 7,
                                    "text": "Aspirin",
                                    "type": "Chemical",
                                    "identifiers": ["MESH:D001241"],
                                },
                            ],
                            "relations": [],
                        },
                    ],
                },
            ]
        },
    )

    name: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="Of the new dataset; that of the old one if not given.",
    )
    documents: list[RevisedDocument] = Field(
        min_length=1,
        max_length=MOST_DOCUMENTS,
        description="A document takes the place of the one with the same id in the same split, or "
        "is added at the end of its split.",
    )
