"""Names to spans of the text: what was answered becomes mentions, relations and what has no place.

Diseases and chemicals are looked for separately, so a mention of one may overlap one of the other.
Within a type none overlap, but for one case: a side of a relation that stands in the text only
within (or across) a mention has a mention of its own there, since the model named both.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice

from app.backends.base import FoundMention, FoundRelation
from app.backends.generation.answers import Relation
from app.corpora.documents import MentionType
from app.corpora.tokens import sentences
from app.prompts.ground import Span, ground
from app.prompts.words import fold

# Variants of a name that compete for one place are told apart in so many rounds.
_MAX_ROUNDS = 4
_MAX_EVIDENCE = 100


class Mentions:
    """The mentions of one type in a text, and the names they were found by."""

    def __init__(self, text: str, type_: MentionType) -> None:
        self.type = type_
        self._text = text
        self._spans: dict[tuple[int, int], Span] = {}
        self._by_name: dict[str, Span] = {}
        self._claimed = bytearray(len(text))

    def add(self, names: Iterable[str]) -> tuple[str, ...]:
        """Find the names of a mention task; those without a place are given back."""
        names = tuple(names)
        found = ground(names, self._text)
        for span in found.spans:
            self._keep(span)
        return tuple(name for name in dict.fromkeys(names) if name not in self._by_name)

    def add_sides(self, names: Iterable[str]) -> None:
        """Find the names that relations use, at the places of mentions or at new ones."""
        missing = [name for name in dict.fromkeys(names) if name not in self._by_name]
        for _ in range(_MAX_ROUNDS):
            places: dict[str, list[Span]] = defaultdict(list)
            for span in ground(missing, self._text).spans if missing else ():
                places[span.item].append(span)
            if not places:
                return
            for spans in places.values():
                # Places are compared before any of them is kept: those of one name are apart.
                for span in [s for s in spans if self._fits(s)] or spans:
                    self._keep(span)
            missing = [name for name in missing if name not in places]

    def place(self, name: str) -> tuple[int, int] | None:
        """The first place that spells a name best, or None if the text does not hold it."""
        span = self._by_name.get(name)
        return None if span is None else (span.start, span.end)

    def spans(self) -> list[Span]:
        """All spans in text order."""
        return sorted(self._spans.values(), key=lambda span: (span.start, span.end))

    def _fits(self, span: Span) -> bool:
        free = self._claimed.find(1, span.start, span.end) < 0
        return free or (span.start, span.end) in self._spans

    def _keep(self, span: Span) -> None:
        self._spans.setdefault((span.start, span.end), span)
        known = self._by_name.setdefault(span.item, span)
        if span.match == "exact" and known.match != "exact":
            self._by_name[span.item] = span
        self._claimed[span.start : span.end] = b"\1" * (span.end - span.start)


def relate(
    text: str, relations: Sequence[Relation], chemicals: Mentions, diseases: Mentions
) -> tuple[tuple[FoundMention, ...], tuple[FoundRelation, ...], tuple[str, ...]]:
    """The mentions of both types, the relations between them, and the items without a place.

    Names with the same best place are one side. Evidence are the first sentences (100 at most)
    that hold both sides, in any case or composition.
    """
    chemicals.add_sides(relation.chemical for relation in relations)
    diseases.add_sides(relation.disease for relation in relations)
    mentions = _in_order(chemicals, diseases)
    index = {(m.type, m.start, m.end): i for i, m in enumerate(mentions)}
    pairs: dict[tuple[int, int], None] = {}
    ungrounded = []
    for relation in relations:
        chemical = chemicals.place(relation.chemical)
        disease = diseases.place(relation.disease)
        if chemical is None or disease is None:
            ungrounded.append(relation.item)
        else:
            pairs[index[("Chemical", *chemical)], index[("Disease", *disease)]] = None
    evidence = _Evidence(text, mentions) if pairs else None
    return (
        mentions,
        tuple(FoundRelation(*pair, evidence=evidence.of(*pair)) for pair in pairs if evidence),
        tuple(ungrounded),
    )


def _in_order(*both: Mentions) -> tuple[FoundMention, ...]:
    found = [
        FoundMention(span.start, span.end, mentions.type, match=span.match)
        for mentions in both
        for span in mentions.spans()
    ]
    return tuple(sorted(found, key=lambda mention: (mention.start, mention.end)))


class _Evidence:
    """Which sentences hold what; equal names in all their spellings are looked up once."""

    def __init__(self, text: str, mentions: Sequence[FoundMention]) -> None:
        self._sentences = sentences(text)
        self._names = [(m.type, fold(text[m.start : m.end])) for m in mentions]
        self._held_by: dict[tuple[MentionType, str], dict[int, None]] = defaultdict(dict)
        self._known: dict[tuple[str, str], tuple[tuple[int, int], ...]] = {}
        at = 0
        for name, mention in zip(self._names, mentions, strict=True):
            while self._sentences[at][1] <= mention.start:
                at += 1
            if mention.end <= self._sentences[at][1]:
                self._held_by[name][at] = None

    def of(self, chemical: int, disease: int) -> tuple[tuple[int, int], ...]:
        """The sentences of two mentions, by their indices."""
        one, other = self._names[chemical], self._names[disease]
        key = one[1], other[1]
        if key not in self._known:
            shared = (at for at in self._held_by[one] if at in self._held_by[other])
            self._known[key] = tuple(self._sentences[at] for at in islice(shared, _MAX_EVIDENCE))
        return self._known[key]
