"""The annotations of a text's pieces as those of the whole text."""

from collections.abc import Sequence
from dataclasses import replace

from app.backends.base import Annotations, FoundMention, FoundRelation
from app.backends.local.pieces import Piece
from app.backends.local.scene import concept_keys
from app.corpora.documents import NAME

_Concepts = tuple[tuple[str, ...], tuple[str, ...]]


def merged(text: str, pieces: Sequence[Piece], parts: Sequence[Annotations]) -> Annotations:
    """Put parts together, one for each piece, and hide identifiers that are but names.

    Relations of the same concepts, found in several pieces, become the most probable one of them
    with the evidence of all. They are ordered by score.
    """
    mentions: list[FoundMention] = []
    best: dict[_Concepts, FoundRelation] = {}
    for piece, part in zip(pieces, parts, strict=True):
        first = len(mentions)
        mentions += part.mentions if piece.start == 0 else _shifted(part.mentions, piece.start)
        for each in part.relations:
            relation = _moved(each, first, piece.start)
            key = _concepts(text, mentions, relation)
            best[key] = _joined(best[key], relation) if key in best else relation
    ordered = sorted(best.values(), key=lambda relation: -(relation.score or 0.0))
    return Annotations(tuple(map(_shown, mentions)), tuple(ordered))


def _shifted(mentions: Sequence[FoundMention], characters: int) -> list[FoundMention]:
    return [
        replace(each, start=each.start + characters, end=each.end + characters) for each in mentions
    ]


def _moved(relation: FoundRelation, mentions: int, characters: int) -> FoundRelation:
    return replace(
        relation,
        chemical=relation.chemical + mentions,
        disease=relation.disease + mentions,
        evidence=tuple((start + characters, end + characters) for start, end in relation.evidence),
    )


def _joined(one: FoundRelation, other: FoundRelation) -> FoundRelation:
    best = max(one, other, key=lambda relation: relation.score or 0.0)
    return replace(best, evidence=one.evidence + other.evidence)


def _concepts(text: str, mentions: Sequence[FoundMention], relation: FoundRelation) -> _Concepts:
    chemical, disease = mentions[relation.chemical], mentions[relation.disease]
    return (
        concept_keys(chemical, text[chemical.start : chemical.end]),
        concept_keys(disease, text[disease.start : disease.end]),
    )


def _shown(mention: FoundMention) -> FoundMention:
    public = tuple([each for each in mention.identifiers if not each.startswith(NAME)])
    # Rounding can carry a product of probabilities a little past 1.
    score = None if mention.score is None else min(1.0, mention.score)
    if (public, score) == (mention.identifiers, mention.score):
        return mention
    return replace(mention, identifiers=public, score=score)
