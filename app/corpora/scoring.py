"""Scores as the BioCreative V CDR task counts them (Wei et al. 2016): micro-averaged P, R and F1.

Each function scores one document; add the counts of all documents up. Everything is counted as a
set: what is given twice counts once, composite mentions by their outer span, identifiers without
their `MESH:`, and a mention or relation without identifier (`-1`) is no concept at all.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from app.corpora.documents import Relation
from app.corpora.identifiers import bare, curies

T = TypeVar("T")
Span = tuple[int, int]


class AnyMention(Protocol):
    """What is scored of a mention, annotated or found: its half-open span, type and concepts."""

    @property
    def start(self) -> int:
        """Its first code point."""

    @property
    def end(self) -> int:
        """The one after its last."""

    @property
    def type(self) -> str:
        """Chemical or Disease."""

    @property
    def identifiers(self) -> tuple[str, ...]:
        """The CURIEs of its concepts."""


@dataclass(frozen=True, slots=True)
class Counts:
    """True positives, false positives, false negatives; add documents up with `+` or `sum`.

    Precision, recall and F1 are 0 to 1, and 0 where they would divide by nothing.
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)

    def __radd__(self, zero: int) -> "Counts":
        return self

    @property
    def precision(self) -> float:
        """tp / (tp + fp)."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """tp / (tp + fn)."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall: 2 tp / (2 tp + fp + fn)."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)


def score_mentions(
    gold: Iterable[AnyMention],
    predicted: Iterable[AnyMention],
    type_: str,
    *,
    relaxed: bool = False,
) -> Counts:
    """Mentions of one type: the same span, or (relaxed) an overlapping one, each matched once."""
    golds = {(mention.start, mention.end) for mention in gold if mention.type == type_}
    found = {(mention.start, mention.end) for mention in predicted if mention.type == type_}
    if not relaxed:
        return _compare(golds, found)
    matched = _overlaps(golds, found)
    return Counts(matched, len(found) - matched, len(golds) - matched)


def score_concepts(
    gold: Iterable[AnyMention], predicted: Iterable[AnyMention], type_: str
) -> Counts:
    """The concepts of one type that the document mentions, wherever it does."""
    return _compare(_concepts(gold, type_), _concepts(predicted, type_))


def score_relations(gold: Iterable[Relation], predicted: Iterable[Relation]) -> Counts:
    """The document's pairs of chemical and disease identifiers."""
    return _compare(_pairs(gold), _pairs(predicted))


def _compare(gold: set[T], predicted: set[T]) -> Counts:
    tp = len(gold & predicted)
    return Counts(tp, len(predicted) - tp, len(gold) - tp)


def _concepts(mentions: Iterable[AnyMention], type_: str) -> set[str]:
    return {
        identifier
        for mention in mentions
        if mention.type == type_
        for field in mention.identifiers
        for identifier in _bare(field)
    }


def _pairs(relations: Iterable[Relation]) -> set[tuple[str, str]]:
    return {
        (chemical, disease)
        for relation in relations
        for chemical in _bare(relation.chemical)
        for disease in _bare(relation.disease)
    }


def _bare(identifier: str) -> list[str]:
    return [bare(curie) for curie in curies(identifier)]


def _overlaps(gold: set[Span], predicted: set[Span]) -> int:
    """The largest number of disjoint pairs of a gold and a predicted span that overlap."""
    # The span that ends first takes the partner that ends first. That is the best choice: all its
    # partners hold its last character, so whatever overlaps the first of them overlaps the others.
    waiting = sorted(
        [(end, start, True) for start, end in gold]
        + [(end, start, False) for start, end in predicted]
    )
    pairs = 0
    while waiting:
        end, _, is_gold = waiting.pop(0)
        partners = (span for span in waiting if span[2] != is_gold and span[1] < end)
        if partner := next(partners, None):
            waiting.remove(partner)
            pairs += 1
    return pairs


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
