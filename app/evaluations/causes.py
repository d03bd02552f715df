"""Why an answer is wrong: each error of a document, with its cause and its place in the text."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate, islice, product
from typing import Literal

from app.backends.base import Annotations
from app.corpora.aliases import aliases
from app.corpora.documents import MENTION_TYPES, Document, MentionType
from app.corpora.scoring import Span, between_concepts, concepts
from app.evaluations.clues import sentence_starts, spells
from app.evaluations.items import Item, Pair, mention_items, relation_items
from app.prompts.tasks import MENTION_TASKS, Task

_LONGEST_ABBREVIATION = 8
# So many different names of one type are tried as its long form; an abstract has some ten.
_MOST_LONG_FORMS = 200

Outcome = Literal["missed", "spurious"]


class Cause(StrEnum):
    """What went wrong; `CAUSES` says when it is named."""

    BOUNDARY = "boundary"
    TYPE = "type"
    MISSED_ABBREVIATION = "missed_abbreviation"
    MISSED = "missed"
    SPURIOUS = "spurious"
    WRONG_IDENTIFIER = "wrong_identifier"
    NO_IDENTIFIER = "no_identifier"
    RELATION_WRONG_CONCEPT = "relation_wrong_concept"
    RELATION_ACROSS_SENTENCES = "relation_across_sentences"
    RELATION_MISSED = "relation_missed"
    RELATION_SPURIOUS = "relation_spurious"


# An error has the first of the causes of its kind that applies.
CAUSES: Mapping[Cause, str] = {
    Cause.BOUNDARY: "A mention missed or found that overlaps one of its type with other edges.",
    Cause.TYPE: "A mention missed or found where one of another type was found or annotated.",
    Cause.MISSED_ABBREVIATION: (
        "A missed mention that is a short form: the text defines it as `long form (SF)`, or it is "
        "a short word in capitals and a longer annotated mention of its type spells it."
    ),
    Cause.MISSED: "Any other annotated mention that was not found.",
    Cause.SPURIOUS: "Any other mention found where none is annotated.",
    Cause.NO_IDENTIFIER: "A mention found rightly, without the identifiers annotated.",
    Cause.WRONG_IDENTIFIER: "A mention found rightly, with other identifiers than annotated.",
    Cause.RELATION_WRONG_CONCEPT: (
        "A relation missed or found that would be right if the mentions of its concepts had their "
        "annotated identifiers."
    ),
    Cause.RELATION_ACROSS_SENTENCES: "A missed relation whose concepts share no sentence.",
    Cause.RELATION_MISSED: "Any other annotated relation that was not found.",
    Cause.RELATION_SPURIOUS: "Any other relation found that is not annotated.",
}


@dataclass(frozen=True, slots=True)
class Error:
    """One error; offsets are code points of the document's text, half open.

    `start` to `end` is the mention and `other` the one it was taken for, if it overlaps one. Of a
    relation they are the first mentions of its chemical and its disease (empty where it has none),
    and there is no `type`. `identifiers` are those annotated if it was missed and those answered if
    it is spurious; `instead` are the ones that a mention missed has got in their place.
    """

    task: Task
    outcome: Outcome
    cause: Cause
    start: int
    end: int
    type: MentionType | None
    identifiers: tuple[str, ...]
    other: Span | None = None
    instead: tuple[str, ...] = ()


def errors(gold: Document, found: Annotations, tasks: frozenset[Task]) -> list[Error]:
    """The errors in what a model said of a document, task by task, in text order.

    Those about mentions are as many as MENTIONS_STRICT counts, those about relations as many as
    END_TO_END does; those about identifiers come on top. An answer that is not in the text
    (`ungrounded`) has no place and is not among them.
    """
    mentions = _Mentions(gold, found)
    all_errors: list[Error] = []
    for task in Task:
        if task in tasks:
            of_task = (
                _relation_errors(gold, found)
                if task is Task.RELATIONS
                else mentions.errors(task, MENTION_TASKS[task])
            )
            all_errors += sorted(of_task, key=lambda e: (e.start, e.end, e.other or (0, 0)))
    return all_errors


class _Spans:
    """Spans, and which of them overlaps another one most."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._spans = sorted(spans)
        self._furthest = list(accumulate((end for _, end in self._spans), max))

    def overlapping(self, start: int, end: int) -> Span | None:
        """The one that shares most with start to end, the first of several; None if none does."""
        best, most = None, 0
        # All before the first have ended by `start`, all from the last on begin at `end` or later.
        first = bisect_right(self._furthest, start)
        for span in self._spans[first : bisect_left(self._spans, (end, end))]:
            if (shared := min(end, span[1]) - max(start, span[0])) > most:
                best, most = span, shared
        return best


class _Mentions:
    """The mentions of a document, annotated and found, and those of either that are wrong."""

    def __init__(self, gold: Document, found: Annotations) -> None:
        self._text = gold.text
        self._gold = {type_: mention_items(gold.mentions, type_) for type_ in MENTION_TYPES}
        self._found = {type_: mention_items(found.mentions, type_) for type_ in MENTION_TYPES}
        self._short_forms = aliases(gold.text)
        self._long_forms = {type_: self._names_of_words(type_) for type_ in MENTION_TYPES}

    def errors(self, task: Task, type_: MentionType) -> Iterator[Error]:
        gold, found = self._gold[type_], self._found[type_]
        yield from self._unmatched(task, type_, "missed", self._gold, self._found)
        yield from self._unmatched(task, type_, "spurious", self._found, self._gold)
        for span, item in gold.items():
            if span in found and (error := _identifier_error(task, item, found[span])):
                yield error

    def _unmatched(
        self,
        task: Task,
        type_: MentionType,
        outcome: Outcome,
        of: Mapping[MentionType, Mapping[Span, Item]],
        against: Mapping[MentionType, Mapping[Span, Item]],
    ) -> Iterator[Error]:
        same = _Spans(against[type_])
        # A mention of another type that is right there is no confusion: it only stands within.
        others = _Spans(
            span
            for each in MENTION_TYPES
            if each != type_
            for span in against[each]
            if span not in of[each]
        )
        for span, item in of[type_].items():
            if span in against[type_]:
                continue
            if other := same.overlapping(*span):
                cause = Cause.BOUNDARY
            elif other := others.overlapping(*span):
                cause = Cause.TYPE
            elif outcome == "spurious":
                cause = Cause.SPURIOUS
            elif self._is_abbreviation(self._text[slice(*span)], type_):
                cause = Cause.MISSED_ABBREVIATION
            else:
                cause = Cause.MISSED
            yield Error(task, outcome, cause, *span, type_, item.identifiers, other)

    def _is_abbreviation(self, name: str, type_: MentionType) -> bool:
        if name in self._short_forms:
            return True
        capitals = sum(map(str.isupper, name))
        if len(name) > _LONGEST_ABBREVIATION or capitals < 2 or " " in name:
            return False
        return any(spells(name, long) for long in self._long_forms[type_])

    def _names_of_words(self, type_: MentionType) -> list[str]:
        """The first different annotated names that have several words."""
        names = dict.fromkeys(self._text[start:end] for start, end in self._gold[type_])
        return list(islice((name for name in names if " " in name.strip()), _MOST_LONG_FORMS))


def _identifier_error(task: Task, gold: Item, found: Item) -> Error | None:
    annotated, answered = concepts(gold.identifiers), concepts(found.identifiers)
    if annotated == answered:
        return None
    place = gold.start, gold.end, gold.type
    if not annotated:
        return Error(task, "spurious", Cause.WRONG_IDENTIFIER, *place, found.identifiers)
    cause = Cause.WRONG_IDENTIFIER if answered else Cause.NO_IDENTIFIER
    return Error(task, "missed", cause, *place, gold.identifiers, instead=found.identifiers)


def _relation_errors(gold: Document, found: Annotations) -> Iterator[Error]:
    annotated = relation_items(gold.mentions, gold.relations)
    answered = relation_items(found.mentions, between_concepts(found.mentions, found.relations))
    meant = _meant(gold, found, annotated)
    in_reach = {pair for pairs in meant.values() for pair in pairs}
    sentences = _sentences(gold)
    for pair, item in annotated.items():
        if pair not in answered:
            if pair in in_reach:
                cause = Cause.RELATION_WRONG_CONCEPT
            elif sentences["Chemical", pair[0]].isdisjoint(sentences["Disease", pair[1]]):
                cause = Cause.RELATION_ACROSS_SENTENCES
            else:
                cause = Cause.RELATION_MISSED
            yield _relation_error("missed", cause, item)
    for pair, item in answered.items():
        if pair not in annotated:
            cause = Cause.RELATION_WRONG_CONCEPT if meant[pair] else Cause.RELATION_SPURIOUS
            yield _relation_error("spurious", cause, item)


def _relation_error(outcome: Outcome, cause: Cause, item: Item) -> Error:
    place = item.start, item.end, item.type
    return Error(Task.RELATIONS, outcome, cause, *place, item.identifiers, item.other)


def _meant(gold: Document, found: Annotations, related: Collection[Pair]) -> dict[Pair, set[Pair]]:
    """For each pair answered the related ones it could be, by its mentions' annotated identifiers.

    A mention without identifiers counts by an empty one.
    """
    annotated: dict[tuple[int, int, str], set[str]] = defaultdict(set)
    for mention in gold.mentions:
        annotated[mention.start, mention.end, mention.type] |= concepts(mention.identifiers)
    # All mentions of a concept take part in its relations, whichever of them the answer names.
    behind: dict[tuple[str, str], set[str]] = defaultdict(set)
    for m in found.mentions:
        for concept in concepts(m.identifiers):
            behind[m.type, concept] |= {concept, *annotated.get((m.start, m.end, m.type), ())}
    meant: dict[Pair, set[Pair]] = defaultdict(set)
    for relation in found.relations:
        sides = []
        for m in (found.mentions[relation.chemical], found.mentions[relation.disease]):
            named = {concept: behind[m.type, concept] for concept in concepts(m.identifiers)}
            sides.append(named or {"": annotated.get((m.start, m.end, m.type), set())})
        for chemical, disease in product(*sides):
            meant[chemical, disease].update(
                pair
                for pair in related
                if pair[0] in sides[0][chemical] and pair[1] in sides[1][disease]
            )
    return meant


def _sentences(gold: Document) -> dict[tuple[str, str], set[int]]:
    """The numbers of the sentences in which each concept is mentioned, by its type and itself."""
    starts = sentence_starts(gold)
    found: dict[tuple[str, str], set[int]] = defaultdict(set)
    for mention in gold.mentions:
        number = bisect_right(starts, mention.start)
        for concept in concepts(mention.identifiers):
            found[mention.type, concept].add(number)
    return found
