"""What is measured of a model's answers, and by which protocol.

The counts of one document; add those of all documents up for precision, recall and F1.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from app.backends.base import Annotations, FoundRelation
from app.corpora.documents import Document, MentionType
from app.corpora.scoring import (
    Counts,
    between_concepts,
    folded,
    score_concepts,
    score_mentions,
    score_named_relations,
    score_relations,
    score_surfaces,
)
from app.prompts.tasks import MENTION_TASKS, Task


class Measure(StrEnum):
    """A way to count what is right; `PROTOCOLS` says how each does."""

    MENTIONS_STRICT = "mentions_strict"
    MENTIONS_RELAXED = "mentions_relaxed"
    SURFACES = "surfaces"
    CONCEPTS = "concepts"
    GOLD_MENTIONS = "gold_mentions"
    END_TO_END = "end_to_end"
    BY_NAME = "by_name"


PROTOCOLS: Mapping[Measure, str] = {
    Measure.MENTIONS_STRICT: (
        "Mentions whose start, end and type are those annotated; a composite mention is its outer "
        "span. Mode `mention` of the BioCreative V CDR scorer."
    ),
    Measure.MENTIONS_RELAXED: (
        "Mentions that share at least one character with an annotated mention of their type. They "
        "are matched one to one, as many as can be."
    ),
    Measure.SURFACES: (
        "The different names a document uses for the type, without case and with each run of "
        "white space as one space, wherever they stand. Names that are not in the text are false "
        "positives."
    ),
    Measure.CONCEPTS: (
        "The different identifiers of a document's mentions of the type, without `MESH:`; `-1` is "
        "none, a composite mention has several. Mode `id` of the BioCreative V CDR scorer."
    ),
    Measure.GOLD_MENTIONS: (
        "A document's different pairs of chemical and disease identifiers, found among the "
        "annotated mentions with their annotated identifiers. Counted as mode `relation` of the "
        "BioCreative V CDR scorer does."
    ),
    Measure.END_TO_END: (
        "A document's different pairs of chemical and disease identifiers, from the text alone: "
        "mentions, identifiers and relations are the model's own. Mode `relation` of the "
        "BioCreative V CDR scorer."
    ),
    Measure.BY_NAME: (
        "A document's annotated pairs of identifiers, found by pairs of names: a name stands for "
        "the identifiers of the annotated mentions of its type that are written so. A pair of "
        "names that stands for no annotated pair is one false positive."
    ),
}

_MENTION_MEASURES = (
    Measure.MENTIONS_STRICT,
    Measure.MENTIONS_RELAXED,
    Measure.SURFACES,
    Measure.CONCEPTS,
)
MEASURES: Mapping[Task, tuple[Measure, ...]] = {
    Task.DISEASES: _MENTION_MEASURES,
    Task.CHEMICALS: _MENTION_MEASURES,
    Task.RELATIONS: (Measure.GOLD_MENTIONS, Measure.END_TO_END, Measure.BY_NAME),
}
HEADLINE: Mapping[Task, Measure] = {
    Task.DISEASES: Measure.MENTIONS_STRICT,
    Task.CHEMICALS: Measure.MENTIONS_STRICT,
    Task.RELATIONS: Measure.END_TO_END,
}


def measure(
    gold: Document,
    found: Annotations,
    given: Sequence[FoundRelation] | None,
    tasks: frozenset[Task],
) -> dict[Task, dict[Measure, Counts]]:
    """What is right of the answers about one document, by each measure of each task.

    `found` is what the model said of `gold.text`; `given` are the relations it found among the
    annotated mentions, as indices into `gold.mentions`, or None if it cannot: then there is no
    GOLD_MENTIONS.
    """
    return {
        task: (
            _relations(gold, found, given)
            if task is Task.RELATIONS
            else _mentions(gold, found, task, MENTION_TASKS[task])
        )
        for task in Task
        if task in tasks
    }


def _mentions(
    gold: Document, found: Annotations, task: Task, type_: MentionType
) -> dict[Measure, Counts]:
    names = [gold.text[m.start : m.end] for m in found.mentions if m.type == type_]
    names += (item for of, item in found.ungrounded if of is task)
    return {
        Measure.MENTIONS_STRICT: score_mentions(gold.mentions, found.mentions, type_),
        Measure.MENTIONS_RELAXED: score_mentions(
            gold.mentions, found.mentions, type_, relaxed=True
        ),
        Measure.SURFACES: score_surfaces(gold.mentions, names, type_),
        Measure.CONCEPTS: score_concepts(gold.mentions, found.mentions, type_),
    }


def _relations(
    gold: Document, found: Annotations, given: Sequence[FoundRelation] | None
) -> dict[Measure, Counts]:
    end_to_end = between_concepts(found.mentions, found.relations)
    counts = {
        Measure.END_TO_END: score_relations(gold.relations, end_to_end),
        Measure.BY_NAME: _by_name(gold, found),
    }
    if given is not None:
        counts[Measure.GOLD_MENTIONS] = score_relations(
            gold.relations, between_concepts(gold.mentions, given)
        )
    return {each: counts[each] for each in MEASURES[Task.RELATIONS] if each in counts}


def _by_name(gold: Document, found: Annotations) -> Counts:
    spans = [gold.text[mention.start : mention.end] for mention in found.mentions]
    pairs = [(spans[relation.chemical], spans[relation.disease]) for relation in found.relations]
    # An item the text does not hold is a pair of names, too, but which is not known any more.
    unplaced = {folded(item) for of, item in found.ungrounded if of is Task.RELATIONS}
    return score_named_relations(gold.mentions, gold.relations, pairs) + Counts(fp=len(unplaced))
