"""What models find in a text, as a page shows it: marked in the text, as a table, as pairs.

Of two models everything says whether both have found it, or which one alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.console.corrections_rows import Found, FoundRelation, FoundSpan
from app.console.highlight import Piece, Span, pieces
from app.corpora.documents import MentionType
from app.extractions.schemas import ExtractedItem, ExtractedRelation, Extraction

# Of one model; long texts have more pairs than anybody reads.
MOST_RELATIONS = 200
_KINDS: tuple[tuple[str, MentionType], ...] = (("chemicals", "Chemical"), ("diseases", "Disease"))


@dataclass(frozen=True)
class Text:
    """A title, which may be empty, and an abstract; models are given both, a space between them."""

    title: str
    abstract: str

    @property
    def all(self) -> str:
        """The text that offsets count in."""
        return f"{self.title} {self.abstract}" if self.title else self.abstract

    @property
    def offset(self) -> int:
        """Where the abstract begins."""
        return len(self.title) + 1 if self.title else 0


@dataclass(frozen=True)
class RelationView:
    """A relation, and the sentences that speak for it with its two sides marked."""

    relation: ExtractedRelation
    evidence: list[list[Piece]]

    @property
    def key(self) -> tuple[str, str]:
        """What it is called, whichever model has found it."""
        return self.relation.chemical.casefold(), self.relation.disease.casefold()


@dataclass(frozen=True)
class Answer:
    """What one model has found; `relations` are the first of them."""

    model: str
    text: Text
    extraction: Extraction
    items: dict[tuple[MentionType, str], ExtractedItem]
    relations: list[RelationView]
    spans: tuple[Span, ...]

    @classmethod
    def of(cls, model: str, text: Text, extraction: Extraction) -> "Answer":
        """An extraction of the text, with offsets in code points."""
        items = {
            (type_, item.text): item
            for name, type_ in _KINDS
            for item in getattr(extraction, name) or ()
        }
        spans = tuple(
            sorted(
                (
                    Span(place.start, place.end, type_.lower(), _note(type_, item, place.score))
                    for (type_, _), item in items.items()
                    for place in item.mentions
                ),
                key=lambda span: (span.start, -span.end),
            )
        )
        shown = (extraction.relations or [])[:MOST_RELATIONS]
        views = [_relation(text.all, items, each) for each in shown]
        return cls(model, text, extraction, items, views, spans)

    @property
    def title(self) -> list[Piece]:
        """The title, cut where mentions begin and end."""
        return pieces(self.text.title, self.spans)

    @property
    def abstract(self) -> list[Piece]:
        """The abstract, cut likewise."""
        return pieces(self.text.abstract, self.spans, self.text.offset)

    def found(self) -> Found:
        """The same for the page where it is corrected."""
        mentions = sorted(
            (
                FoundSpan(place.start, place.end, type_, tuple(item.identifiers), place.score)
                for (type_, _), item in self.items.items()
                for place in item.mentions
            ),
            key=lambda mention: (mention.start, mention.end),
        )
        first: dict[tuple[str, str], int] = {}
        for number, mention in enumerate(mentions):
            surface = self.text.all[mention.start : mention.end]
            first.setdefault((mention.type, surface), number)
        return Found(
            tuple(mentions),
            tuple(
                FoundRelation(
                    first["Chemical", view.relation.chemical],
                    first["Disease", view.relation.disease],
                    view.relation.score,
                )
                for view in self.relations
                if ("Chemical", view.relation.chemical) in first
                and ("Disease", view.relation.disease) in first
            ),
        )


@dataclass(frozen=True)
class Row:
    """An entity, and what each model says of it: None if it has not found it."""

    text: str
    type: MentionType
    items: list[ExtractedItem | None]


@dataclass(frozen=True)
class Compared:
    """The answers of one model or two, side by side; `alone` is what only one of two has found."""

    entities: list[Row]
    relations: list[list[RelationView | None]]
    alone: list[set[Span]]


def compared(answers: Sequence[Answer]) -> Compared:
    """All that was found, in order of the text; relations in that of the answers."""
    keys = {
        (item.mentions[0].start, key): key
        for answer in answers
        for key, item in answer.items.items()
    }
    pairs = dict.fromkeys(view.key for answer in answers for view in answer.relations)
    found = [{view.key: view for view in answer.relations} for answer in answers]
    places = [set(map(_place, answer.spans)) for answer in answers]
    shared = set.intersection(*places) if places else set()
    return Compared(
        entities=[
            Row(text, type_, [answer.items.get((type_, text)) for answer in answers])
            for type_, text in dict.fromkeys(keys[each] for each in sorted(keys))
        ],
        relations=[[views.get(pair) for views in found] for pair in pairs],
        alone=[
            {span for span in answer.spans if len(places) > 1 and _place(span) not in shared}
            for answer in answers
        ],
    )


def _place(span: Span) -> tuple[int, int, str]:
    return span.start, span.end, span.kind


def _note(type_: MentionType, item: ExtractedItem, score: float | None) -> str:
    said = [type_.lower(), ", ".join(item.identifiers) or "no identifier"]
    return " · ".join([*said, *([] if score is None else [f"score {score:.2f}"])])


def _relation(
    text: str, items: dict[tuple[MentionType, str], ExtractedItem], relation: ExtractedRelation
) -> RelationView:
    sides = (
        ("Chemical", relation.chemical, set(relation.chemical_identifiers)),
        ("Disease", relation.disease, set(relation.disease_identifiers)),
    )
    spans = [
        Span(place.start, place.end, type_.lower())
        for (type_, surface), item in items.items()
        for side, name, identifiers in sides
        if type_ == side and (surface == name or identifiers & set(item.identifiers))
        for place in item.mentions
    ]
    evidence = [pieces(text[e.start : e.end], spans, e.start) for e in relation.evidence]
    return RelationView(relation, evidence)
