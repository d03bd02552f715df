"""A document written for the tests of measures, causes and comparisons, and answers about it."""

from app.backends.base import FoundMention, FoundRelation
from app.corpora.documents import Document, Mention, MentionType, Passage, Relation

TITLE = "Aspirin and rash."
ABSTRACT = (
    "Myocardial infarction (MI) was seen once. MI came with lisinopril; "
    "renal and hepatic failure came later. Ibuprofen caused coma."
)
TEXT = f"{TITLE} {ABSTRACT}"


def span(text: str, nth: int = 0) -> tuple[int, int]:
    """The offsets of the nth time (from 0) that the document holds this text."""
    start = -1
    for _ in range(nth + 1):
        start = TEXT.index(text, start + 1)
    return start, start + len(text)


def mention(text: str, *identifiers: str, nth: int = 0, type_: MentionType = "Disease") -> Mention:
    """An annotated mention."""
    return Mention(*span(text, nth), text, type_, identifiers)


def chemical(text: str, *identifiers: str) -> Mention:
    """An annotated chemical."""
    return mention(text, *identifiers, type_="Chemical")


GOLD = Document(
    "1",
    (Passage("title", 0, TITLE), Passage("abstract", len(TITLE) + 1, ABSTRACT)),
    (
        chemical("Aspirin", "MESH:C1"),
        mention("rash", "MESH:D1"),
        mention("Myocardial infarction", "MESH:D2"),
        mention("MI", "MESH:D2"),
        mention("MI", "MESH:D2", nth=1),
        chemical("lisinopril", "MESH:C2"),
        mention("renal and hepatic failure", "MESH:D3", "MESH:D4"),
        chemical("Ibuprofen", "MESH:C3"),
        mention("coma"),
    ),
    (
        Relation("MESH:C1", "MESH:D1"),
        Relation("MESH:C2", "MESH:D2"),
        Relation("MESH:C2", "MESH:D3"),
        Relation("MESH:C3", "MESH:D4"),  # across sentences
    ),
)


def found(
    text: str, *identifiers: str, nth: int = 0, type_: MentionType = "Disease"
) -> FoundMention:
    """A mention that a model found."""
    return FoundMention(*span(text, nth), type_, identifiers)


def found_chemical(text: str, *identifiers: str) -> FoundMention:
    """A chemical that a model found."""
    return found(text, *identifiers, type_="Chemical")


# What a model would have to answer to be right in everything.
PERFECT = tuple(FoundMention(m.start, m.end, m.type, m.identifiers) for m in GOLD.mentions)
PERFECT_RELATIONS = (FoundRelation(0, 1), FoundRelation(5, 4))
