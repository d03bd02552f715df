"""Scores as the BioCreative V CDR task counts them (Wei et al. 2016): micro-averaged P, R and F1.

Each function scores one document; add the counts of all documents up. Everything is counted as a
set: what is given twice counts once, composite mentions by their outer span, identifiers without
their `MESH:`, and a mention or relation without identifier (`-1`) is no concept at all. That is
what the task's scorer (BC5CDR_Evaluation 0.0.3) does in its modes `mention`, `id` and `relation`;
relaxed mentions, surfaces and relations by name are not in it and are defined here.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import product
from typing import Protocol, TypeVar

from app.corpora.documents import Mention, Relation
from app.corpora.identifiers import bare, curies

T = TypeVar("T")
Span = tuple[int, int]
Names = tuple[str, str]


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


class AnyRelation(Protocol):
    """A relation found between two mentions, as their indices among those of the document."""

    @property
    def chemical(self) -> int:
        """Which mention is its chemical."""

    @property
    def disease(self) -> int:
        """Which mention is its disease."""


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
    """Mentions of one type: the same span, or (relaxed) one that shares a character with it.

    Relaxed, a mention is matched once at most, and as many are matched as can be.
    """
    golds = {(mention.start, mention.end) for mention in gold if mention.type == type_}
    found = {(mention.start, mention.end) for mention in predicted if mention.type == type_}
    if not relaxed:
        return _compare(golds, found)
    matched = _overlaps(golds, found)
    return Counts(matched, len(found) - matched, len(golds) - matched)


def score_surfaces(gold: Iterable[Mention], predicted: Iterable[str], type_: str) -> Counts:
    """The names of one type that the document uses, wherever it does: what a list is judged on.

    Names are compared by `folded`.
    """
    golds = {folded(mention.text) for mention in gold if mention.type == type_}
    return _compare(golds, set(map(folded, predicted)))


def score_concepts(
    gold: Iterable[AnyMention], predicted: Iterable[AnyMention], type_: str
) -> Counts:
    """The concepts of one type that the document mentions, wherever it does."""
    return _compare(_concepts(gold, type_), _concepts(predicted, type_))


def score_relations(gold: Iterable[Relation], predicted: Iterable[Relation]) -> Counts:
    """The document's pairs of chemical and disease identifiers."""
    return _compare(concept_pairs(gold), concept_pairs(predicted))


def between_concepts(
    mentions: Sequence[AnyMention], relations: Iterable[AnyRelation]
) -> Iterator[Relation]:
    """What is scored of relations between mentions: all pairs of the concepts of each two."""
    for relation in relations:
        sides = mentions[relation.chemical], mentions[relation.disease]
        for chemical, disease in product(*(side.identifiers for side in sides)):
            yield Relation(chemical, disease)


def score_named_relations(
    mentions: Iterable[Mention], gold: Iterable[Relation], predicted: Iterable[Names]
) -> Counts:
    """The document's pairs of identifiers, found by (chemical, disease) names.

    A name (compared by `folded`) stands for the identifiers of all annotated mentions of its type
    that are written so. A pair of names that stands for annotated relations finds all of those.
    Any other is a false positive: one, however many identifiers its names have, and together with
    all pairs of names that stand for the same identifiers. A name without any stands for itself.
    """
    golds = concept_pairs(gold)
    chemicals, diseases = _meanings(mentions)
    right: set[tuple[str, str]] = set()
    wrong = set()
    for chemical, disease in predicted:
        sides = _meaning(chemicals, chemical), _meaning(diseases, disease)
        if hits := golds.intersection(product(*sides)):
            right |= hits
        else:
            wrong.add(sides)
    return Counts(len(right), len(wrong), len(golds) - len(right))


def folded(name: str) -> str:
    """A name without case, and each run of white space one space: how names are compared."""
    return " ".join(name.split()).casefold()


def concepts(identifiers: Iterable[str]) -> frozenset[str]:
    """Identifiers as they are compared: without `MESH:`, several of one field parted, no `-1`."""
    return frozenset(identifier for field in identifiers for identifier in _bare(field))


def concept_pairs(relations: Iterable[Relation]) -> set[tuple[str, str]]:
    """The pairs of chemical and disease identifiers, as `concepts` has them."""
    return {
        pair
        for relation in relations
        for pair in product(_bare(relation.chemical), _bare(relation.disease))
    }


def _compare(gold: set[T], predicted: set[T]) -> Counts:
    tp = len(gold & predicted)
    return Counts(tp, len(predicted) - tp, len(gold) - tp)


def _concepts(mentions: Iterable[AnyMention], type_: str) -> set[str]:
    return {
        identifier
        for mention in mentions
        if mention.type == type_
        for identifier in concepts(mention.identifiers)
    }


def _meanings(mentions: Iterable[Mention]) -> tuple[Mapping[str, Set[str]], Mapping[str, Set[str]]]:
    """What the names of chemicals stand for, and those of diseases."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for mention in mentions:
        found[mention.type][folded(mention.text)] |= concepts(mention.identifiers)
    return found["Chemical"], found["Disease"]


def _meaning(meanings: Mapping[str, Set[str]], name: str) -> frozenset[str]:
    # A space before it tells a name from an identifier: neither begins with one.
    return frozenset(meanings.get(folded(name), ())) or frozenset([f" {folded(name)}"])


def _bare(identifier: str) -> list[str]:
    return [bare(curie) for curie in curies(identifier)]


def _overlaps(gold: set[Span], predicted: set[Span]) -> int:
    """The largest number of disjoint pairs of a gold and a predicted span that overlap."""
    # The span that ends first takes the partner that ends first. That is the best choice: all its
    # partners hold its last character, so whatever overlaps the first of them overlaps the others.
    by_start = [sorted(side, reverse=True) for side in (gold, predicted)]
    begun: tuple[list[Span], list[Span]] = ([], [])  # heaps of (end, start)
    gone: set[tuple[int, int, int]] = set()
    pairs = 0
    for span in sorted((e, s, side) for side in (0, 1) for s, e in (gold, predicted)[side]):
        if span in gone:
            continue
        gone.add(span)
        end, _, side = span
        other = 1 - side
        while by_start[other] and by_start[other][-1][0] < end:
            start, stop = by_start[other].pop()
            heappush(begun[other], (stop, start))
        while begun[other]:
            partner = (*heappop(begun[other]), other)
            if partner not in gone:
                gone.add(partner)
                pairs += 1
                break
    return pairs


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
