"""Every pair of a chemical and a disease of a text, described for the relation model.

A pair has names (facts that hold, such as "induced" standing between the two, in GROUPS) and
numbers (counts, ranks, distances and what training said of the two, in NUMBERS).
"""

from collections.abc import Iterator, Sequence
from math import log1p
from typing import NamedTuple

from app.backends.local.pair_words import (
    around_names,
    bare_names,
    between_names,
    context_words,
    masked,
    mention_words,
)
from app.backends.local.priors import PRIOR_NUMBERS, Priors
from app.backends.local.scene import Concept, Place, Scene

GROUPS = (
    "structure",
    "between",
    "bare",
    "around",
    "chemical_words",
    "chemical_context",
    "disease_words",
    "disease_context",
    "title_words",
)
_NEAREST = 4
_LONGEST_BETWEEN = 25
_NEAR = (0, 1, 2, 3, 5, 8, 12, 20, 30)


class Standing(NamedTuple):
    """How the two concepts stand among all of the text; first and last are 0 to 1 through it."""

    chemical_mentions: float
    disease_mentions: float
    chemical_rank: float
    disease_rank: float
    chemical_share: float
    disease_share: float
    chemicals: float
    diseases: float
    only_chemical: float
    only_disease: float
    chemical_in_title: float
    disease_in_title: float
    chemical_first: float
    chemical_last: float
    disease_first: float
    disease_last: float
    disease_leads: float
    narrower_disease: float
    broader_disease: float
    chemical_score: float
    disease_score: float


class Nearness(NamedTuple):
    """How the two are mentioned together; shares are of the sentences of one side."""

    sentences: float
    disease_sentences_share: float
    chemical_sentences_share: float
    most_for_chemical: float
    most_for_disease: float
    sentence_distance: float
    closeness: float
    in_title: float
    far: float
    chemicals_between: float
    diseases_between: float


NUMBERS = (*Standing._fields, *Nearness._fields, *PRIOR_NUMBERS)


class PairFeatures(NamedTuple):
    """One pair, as indices into the scene; `names` by GROUPS, `numbers` by NUMBERS.

    Names that tell of one side alone are the same list object in all of that side's pairs.
    """

    chemical: int
    disease: int
    names: tuple[list[str], ...]
    numbers: list[float]


class _Side(NamedTuple):
    """What is known of one concept before it is paired."""

    concept: Concept
    places: dict[int, list[Place]]
    rank: int
    share: float
    words: list[str]
    context: list[str]
    in_title: bool


def pair_features(scene: Scene, priors: Priors) -> Iterator[PairFeatures]:
    """All pairs of the text, chemical by chemical."""
    chemicals, diseases = _sides(scene, scene.chemicals, "c"), _sides(scene, scene.diseases, "d")
    title = [
        f"t={word}"
        for token, word in enumerate(scene.words)
        if scene.titled and scene.sentence_of[token] == 0 and token not in scene.covers
    ]
    shared = [[len(c.places.keys() & d.places.keys()) for d in diseases] for c in chemicals]
    bags = [_bag(scene, side.concept) for side in diseases]
    narrower = [any(bag > other for other in bags) for bag in bags]
    broader = [any(bag < other for other in bags) for bag in bags]
    most_for_disease = [max(row[d] for row in shared) for d in range(len(diseases)) if shared]
    for c, chemical in enumerate(chemicals):
        for d, disease in enumerate(diseases):
            standing = _standing(scene, chemical, disease)._replace(
                narrower_disease=narrower[d], broader_disease=broader[d]
            )
            together = shared[c][d]
            between, few, around, nearness = _together(scene, chemical, disease)
            nearness = nearness._replace(
                most_for_chemical=float(0 < together == max(shared[c])),
                most_for_disease=float(0 < together == most_for_disease[d]),
            )
            structure = _structure(scene, chemical, disease, nearness, together)
            yield PairFeatures(
                c,
                d,
                (
                    structure,
                    between,
                    few,
                    around,
                    chemical.words,
                    chemical.context,
                    disease.words,
                    disease.context,
                    title,
                ),
                [
                    *standing,
                    *nearness,
                    *priors.numbers(chemical.concept.key, disease.concept.key),
                ],
            )


def _sides(scene: Scene, concepts: Sequence[Concept], mark: str) -> list[_Side]:
    """The concepts with their rank by number of mentions, the earlier first where equal."""
    order = sorted(concepts, key=lambda concept: (-len(concept.places), concept.places[0].start))
    ranks = {concept.key: rank for rank, concept in enumerate(order)}
    most = max((len(concept.places) for concept in concepts), default=1)
    return [
        _Side(
            concept,
            places := concept.by_sentence(),
            ranks[concept.key],
            len(concept.places) / most,
            mention_words(scene, concept, mark),
            context_words(scene, concept, mark),
            scene.titled and 0 in places,
        )
        for concept in concepts
    ]


def _bag(scene: Scene, concept: Concept) -> set[str]:
    return {word for place in concept.places for word in scene.words[place.start : place.end]}


def _standing(scene: Scene, chemical: _Side, disease: _Side) -> Standing:
    last = max(1, len(scene.sentences) - 1)
    return Standing(
        chemical_mentions=log1p(len(chemical.concept.places)),
        disease_mentions=log1p(len(disease.concept.places)),
        chemical_rank=1 / (1 + chemical.rank),
        disease_rank=1 / (1 + disease.rank),
        chemical_share=chemical.share,
        disease_share=disease.share,
        chemicals=log1p(len(scene.chemicals)),
        diseases=log1p(len(scene.diseases)),
        only_chemical=float(len(scene.chemicals) == 1),
        only_disease=float(len(scene.diseases) == 1),
        chemical_in_title=float(chemical.in_title),
        disease_in_title=float(disease.in_title),
        chemical_first=min(chemical.places) / last,
        chemical_last=max(chemical.places) / last,
        disease_first=min(disease.places) / last,
        disease_last=max(disease.places) / last,
        disease_leads=float(disease.concept.places[0].start < chemical.concept.places[0].start),
        narrower_disease=0.0,
        broader_disease=0.0,
        chemical_score=chemical.concept.score,
        disease_score=disease.concept.score,
    )


def _together(
    scene: Scene, chemical: _Side, disease: _Side
) -> tuple[list[str], list[str], list[str], Nearness]:
    """The names between (all, and bare) and around the nearest mentions of one sentence, and the
    numbers."""
    pairs = _nearest(chemical, disease)
    between: dict[str, None] = {}
    few: dict[str, None] = {}
    around: dict[str, None] = {}
    counts = {"in_title": 0.0, "far": 0.0, "chemicals_between": 0.0, "diseases_between": 0.0}
    for nearest, (left, right) in zip((True, *(False,) * _NEAREST), pairs, strict=False):
        order = ">" if scene.covers[left.start][0] == "Chemical" else "<"
        words = masked(scene, left.end, right.start)
        in_title = scene.titled and left.sentence == 0
        if len(words) > _LONGEST_BETWEEN:
            counts["far"] = 1.0
        else:
            between.update(between_names(words, order, nearest, in_title))
            few.update(bare_names(words, order))
        around.update(around_names(scene, left, right, order))
        counts["in_title"] = max(counts["in_title"], float(in_title))
        counts["chemicals_between"] += words.count("#Chemical")
        counts["diseases_between"] += words.count("#Disease")
    together = len(chemical.places.keys() & disease.places.keys())
    nearness = Nearness(
        sentences=log1p(together),
        disease_sentences_share=together / len(disease.places),
        chemical_sentences_share=together / len(chemical.places),
        most_for_chemical=0.0,
        most_for_disease=0.0,
        sentence_distance=min(abs(a - b) for a in chemical.places for b in disease.places),
        closeness=1 / (1 + max(0, pairs[0][1].start - pairs[0][0].end)) if pairs else 0.0,
        **counts,
    )
    return list(between), list(few), list(around), nearness


def _nearest(chemical: _Side, disease: _Side) -> list[tuple[Place, Place]]:
    """The pairs of mentions (left, right) that share a sentence, the nearest first."""
    pairs = [
        (one, other) if one.start < other.start else (other, one)
        for sentence, places in chemical.places.items()
        for one in places
        for other in disease.places.get(sentence, ())
    ]
    return sorted(pairs, key=lambda pair: max(0, pair[1].start - pair[0].end))[:_NEAREST]


def _structure(
    scene: Scene, chemical: _Side, disease: _Side, nearness: Nearness, together: int
) -> list[str]:
    """Ranks, title, counts and distance as facts, alone and in pairs."""
    title = f"{chemical.in_title:d}{disease.in_title:d}"
    distance = int(nearness.sentence_distance)
    gap = round(1 / nearness.closeness) - 1 if nearness.closeness else None
    near = next((edge for edge in _NEAR if gap is not None and gap <= edge), "far")
    return [
        "always",
        f"cr={min(chemical.rank, 4)}",
        f"dr={min(disease.rank, 5)}",
        f"cr,dr={min(chemical.rank, 3)},{min(disease.rank, 3)}",
        f"title={title}",
        f"title,cr={title},{min(chemical.rank, 2)}",
        f"title,dr={title},{min(disease.rank, 2)}",
        f"cs={min(len(scene.chemicals), 6)}",
        f"ds={min(len(scene.diseases), 6)}",
        f"together={min(together, 4)}",
        f"distance={min(distance, 4)}",
        f"distance,cr={min(distance, 2)},{min(chemical.rank, 2)}",
        f"distance,title={min(distance, 2)},{title}",
        f"near={near if nearness.closeness else 'never'}",
    ]
