"""What the extractions room says on the wire."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.backends.base import Match, Mode
from app.prompts.tasks import Task

VocabularyKey = Annotated[str, StringConstraints(min_length=1, max_length=100)]
OffsetUnit = Literal["code_point", "utf16", "byte"]
Text = Annotated[str, Field(description="The text to extract from; never stored, never logged.")]
MAX_TEXTS = 100


class ExtractionOptions(BaseModel):
    """How to answer."""

    model_config = ConfigDict(extra="forbid")

    min_score: float = Field(
        default=0.0, ge=0, le=1, description="Leave out what is less probable than this."
    )
    offset_unit: OffsetUnit = Field(
        default="code_point",
        description="What offsets count: Unicode code points (as Python does), UTF-16 code units "
        "(as JavaScript and Java do), or UTF-8 bytes.",
    )

    vocabularies: list[VocabularyKey] | None = Field(
        default=None,
        max_length=10,
        description="Names or ids of the vocabularies to look identifiers up in, the first one "
        "first; null: those the model was trained with, `[]`: none.",
        examples=[None],
    )
    min_precision: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Answer only what is right at least this often, as measured on documents held "
        "out of the training; for tuned models of the backend `local`.",
    )
    mode: Mode = Field(
        default="auto",
        description="How a generating base model answers: JSON after a schema, or a list as the "
        "training files have it; `auto` as suits the model. A tuned model answers as trained.",
    )
    temperature: float = Field(
        default=0.0, ge=0, le=5, description="For generating models: 0 is the most repeatable."
    )
    max_tokens: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="For generating models: longest answer to each task; null: the model's own.",
    )


class ExtractionRequest(BaseModel):
    """One text, or up to 100."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "model": "local:rules",
                    "text": "Haloperidol-induced parkinsonism resolved after clozapine.",
                }
            ]
        },
    )

    model: str = Field(
        min_length=1,
        max_length=200,
        description="A model's id, an alias, or a fine-tune that has succeeded.",
        examples=["local:rules"],
    )
    text: Text | None = None
    texts: list[Text] | None = Field(default=None, min_length=1, max_length=MAX_TEXTS)
    tasks: list[Task] | None = Field(
        default=None,
        min_length=1,
        max_length=3,
        description="What to extract; all that the model can if not given.",
    )
    options: ExtractionOptions = Field(default_factory=ExtractionOptions)

    @model_validator(mode="after")
    def _one_of_both(self) -> "ExtractionRequest":
        if (self.text is None) == (self.texts is None):
            raise ValueError("give either text or texts")
        return self


class ExtractedMention(BaseModel):
    """Where an item stands: `text[start:end]` is the item, to the character."""

    start: int = Field(examples=[20])
    end: int = Field(examples=[32])
    match: Match = Field(description="How a generated item was found in the text.")
    score: float | None = Field(examples=[0.97])


class ExtractedItem(BaseModel):
    """A disease or chemical, as the text spells it, with all places it is mentioned at."""

    text: str = Field(examples=["parkinsonism"])
    identifiers: list[str] = Field(examples=[["MESH:D010300"]])
    score: float | None = Field(description="The best of its mentions.", examples=[0.97])
    mentions: list[ExtractedMention]


class Evidence(BaseModel):
    """A stretch of text that speaks for a relation."""

    start: int
    end: int


class ExtractedRelation(BaseModel):
    """A chemical that influences a disease, each named by its first mention."""

    chemical: str = Field(examples=["Haloperidol"])
    disease: str = Field(examples=["parkinsonism"])
    chemical_identifiers: list[str] = Field(examples=[["MESH:D006220"]])
    disease_identifiers: list[str] = Field(examples=[["MESH:D010300"]])
    type: str = Field(examples=["influences"])
    score: float | None
    evidence: list[Evidence]


class UngroundedItem(BaseModel):
    """Something a generating model named that the text does not hold."""

    task: Task
    text: str


class Usage(BaseModel):
    """Tokens a generating backend has charged for; 0 for models that do not generate."""

    input_tokens: int
    output_tokens: int


class Timing(BaseModel):
    """Wall-clock milliseconds; `model_ms` is the share spent in the backend, for all texts."""

    total_ms: float
    model_ms: float


class Extraction(BaseModel):
    """What was found in one text; tasks that were not asked for are left out."""

    id: str = Field(examples=["ext_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])
    model: str
    diseases: list[ExtractedItem] | None = None
    chemicals: list[ExtractedItem] | None = None
    relations: list[ExtractedRelation] | None = None
    ungrounded: list[UngroundedItem]
    warnings: list[str]
    usage: Usage
    timing: Timing


class ExtractionList(BaseModel):
    """Extractions of several texts, in their order."""

    items: list[Extraction]
