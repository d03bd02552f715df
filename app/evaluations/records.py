"""What is kept of each document, as one line of JSON a document and one blob a model.

So comparisons and errors are read later without asking the model again. Lines are in the order of
the documents, and hold no text: offsets lead to it in the dataset.
"""

from dataclasses import replace
from itertools import repeat

from pydantic import BaseModel

from app.backends.base import Annotations
from app.corpora.scoring import Counts
from app.evaluations.asking import Answered
from app.evaluations.causes import Error, errors
from app.evaluations.measures import Measure, measure
from app.prompts.tasks import Task


class Counted(BaseModel):
    """The counts alone of a record: quicker to read where that is enough."""

    counts: dict[Task, dict[Measure, Counts]]


class Record(Counted):
    """One document as one model did it; `split` and `offset` are those of its sample."""

    document_id: str
    split: int
    offset: int
    found: Annotations
    errors: list[Error]

    def line(self) -> bytes:
        """Its line, with the newline at its end."""
        return self.model_dump_json(exclude_defaults=True).encode() + b"\n"


def score(answered: Answered, tasks: frozenset[Task]) -> list[Record]:
    """What is right and wrong of each answer of a batch."""
    given = repeat(None) if answered.given is None else answered.given
    return [
        Record(
            document_id=sample.document.id,
            split=sample.split,
            offset=sample.offset,
            counts=measure(sample.document, found, related, tasks),
            # Names that the text does not hold are text all the same.
            found=replace(found, ungrounded=(), warnings=()),
            errors=errors(sample.document, found, tasks),
        )
        for sample, found, related in zip(answered.samples, answered.found, given, strict=False)
    ]
