"""From a backend's annotations to the JSON of an extraction.

Mentions are grouped by their exact surface string, in order of first mention, as the training
files list them; so `text[start:end]` is the item's text, to the character.
"""

from app.backends.base import Annotations, FoundMention, FoundRelation
from app.extractions.offsets import Convert, converter
from app.extractions.schemas import (
    Evidence,
    ExtractedItem,
    ExtractedMention,
    ExtractedRelation,
    ExtractionOptions,
    UngroundedItem,
)
from app.prompts.tasks import MENTION_TASKS, Task


def items(
    text: str, found: Annotations, task: Task, options: ExtractionOptions
) -> list[ExtractedItem]:
    """The items of a mention task."""
    convert = converter(text, options.offset_unit)
    grouped: dict[str, list[FoundMention]] = {}
    for mention in found.mentions:
        if mention.type == MENTION_TASKS[task] and _enough(mention.score, options):
            grouped.setdefault(text[mention.start : mention.end], []).append(mention)
    return [
        ExtractedItem(
            text=surface,
            identifiers=_identifiers(mentions),
            score=_best(mentions),
            mentions=[
                ExtractedMention(
                    start=convert(m.start),
                    end=convert(m.end),
                    match=m.match,
                    score=_rounded(m.score),
                )
                for m in mentions
            ],
        )
        for surface, mentions in grouped.items()
    ]


def relations(text: str, found: Annotations, options: ExtractionOptions) -> list[ExtractedRelation]:
    """The relations in the backend's order; they and both of their sides are scored enough."""
    convert = converter(text, options.offset_unit)
    kept = {
        (mention.type, text[mention.start : mention.end])
        for mention in found.mentions
        if _enough(mention.score, options)
    }

    def sides_kept(relation: FoundRelation) -> bool:
        sides = found.mentions[relation.chemical], found.mentions[relation.disease]
        return all((side.type, text[side.start : side.end]) in kept for side in sides)

    return [
        _relation(text, found, relation, convert)
        for relation in found.relations
        if _enough(relation.score, options) and sides_kept(relation)
    ]


def ungrounded(found: Annotations, tasks: frozenset[Task]) -> list[UngroundedItem]:
    """What was named and is not there."""
    return [
        UngroundedItem(task=task, text=item) for task, item in found.ungrounded if task in tasks
    ]


def _relation(
    text: str, found: Annotations, relation: FoundRelation, convert: Convert
) -> ExtractedRelation:
    chemical, disease = found.mentions[relation.chemical], found.mentions[relation.disease]
    return ExtractedRelation(
        chemical=text[chemical.start : chemical.end],
        disease=text[disease.start : disease.end],
        chemical_identifiers=list(chemical.identifiers),
        disease_identifiers=list(disease.identifiers),
        type=relation.type,
        score=_rounded(relation.score),
        evidence=[Evidence(start=convert(s), end=convert(e)) for s, e in relation.evidence],
    )


def _enough(score: float | None, options: ExtractionOptions) -> bool:
    # As it is shown: who asks for a score that was shown gets what had it.
    shown = _rounded(score)
    return shown is None or shown >= options.min_score


def _identifiers(mentions: list[FoundMention]) -> list[str]:
    return list(dict.fromkeys(i for mention in mentions for i in mention.identifiers))


def _best(mentions: list[FoundMention]) -> float | None:
    return _rounded(max((m.score for m in mentions if m.score is not None), default=None))


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 4)
