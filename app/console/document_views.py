"""Annotated documents as a page shows them: mentions marked in the text, relations in words."""

from dataclasses import dataclass

from app.console.highlight import Piece, Span, pieces
from app.datasets.schemas import DatasetDocument


@dataclass(frozen=True)
class RelationView:
    """A relation: each side by the first mention of its concept, and by its identifier."""

    chemical: str
    chemical_id: str
    disease: str
    disease_id: str


@dataclass(frozen=True)
class DocumentView:
    """A document; passages are (type, pieces of the text)."""

    id: str
    split: str
    passages: list[tuple[str, list[Piece]]]
    mentions: int
    relations: list[RelationView]


def view(document: DatasetDocument) -> DocumentView:
    """The document, ready to be shown."""
    spans = [
        Span(
            each.start, each.end, each.type.lower(), ", ".join(each.identifiers) or "no identifier"
        )
        for each in document.mentions
    ]
    names: dict[str, str] = {}
    # A composite mention is no one's name, if there is another.
    for mention in sorted(document.mentions, key=lambda each: len(each.identifiers)):
        for identifier in mention.identifiers:
            names.setdefault(identifier, mention.text)
    return DocumentView(
        id=document.id,
        split=document.split,
        passages=[
            (passage.type, pieces(passage.text, spans, passage.offset))
            for passage in document.passages
        ],
        mentions=len(spans),
        relations=[
            RelationView(
                chemical=names.get(each.chemical, "not in the text"),
                chemical_id=each.chemical,
                disease=names.get(each.disease, "not in the text"),
                disease_id=each.disease,
            )
            for each in document.relations
        ],
    )
