"""What annotations and answers are compared by, and where each stands in the text."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.corpora.documents import MentionType, Relation
from app.corpora.identifiers import curies
from app.corpora.scoring import AnyMention, Span, concept_pairs, concepts

Pair = tuple[str, str]

# Of a concept that is related but mentioned nowhere.
NOWHERE: Span = (0, 0)


@dataclass(frozen=True, slots=True)
class Item:
    """A mention, or a relation; offsets are code points of the document's text, half open.

    A mention has a `type` and its `identifiers`. A relation has none and the identifiers of its
    chemical and its disease; it stands at the first mention of the chemical, and `other` is the
    first one of the disease. A concept that has no mention stands at an empty span.
    """

    start: int
    end: int
    type: MentionType | None
    identifiers: tuple[str, ...]
    other: Span | None = None


def mention_items(mentions: Iterable[AnyMention], type_: MentionType) -> dict[Span, Item]:
    """The mentions of one type by their span, in order; a span given twice has all identifiers."""
    found: dict[Span, dict[str, None]] = {}
    for mention in mentions:
        if mention.type == type_:
            identifiers = found.setdefault((mention.start, mention.end), {})
            identifiers.update(dict.fromkeys(mention.identifiers))
    return {span: Item(*span, type_, tuple(found[span])) for span in sorted(found)}


def relation_items(
    mentions: Iterable[AnyMention], relations: Iterable[Relation]
) -> dict[Pair, Item]:
    """The relations by their pair of concepts, in the order of their places among the mentions."""
    first: dict[tuple[str, str], Span] = {}
    for mention in sorted(mentions, key=lambda mention: (mention.start, mention.end)):
        for concept in concepts(mention.identifiers):
            first.setdefault((mention.type, concept), (mention.start, mention.end))
    items = {}
    for pair in sorted(concept_pairs(relations)):
        start, end = first.get(("Chemical", pair[0]), NOWHERE)
        other = first.get(("Disease", pair[1]), NOWHERE)
        items[pair] = Item(start, end, None, (*curies(pair[0]), *curies(pair[1])), other)
    return dict(sorted(items.items(), key=lambda each: (each[1].start, each[1].end, each[1].other)))
