"""How probable it is that a mention, spelt like no known name, means the concept of one near it."""

from collections.abc import Container, Iterable, Mapping, Sequence, Set
from functools import lru_cache
from math import exp, fsum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.backends.local.arrays import State
from app.backends.local.maxent import train_maxent
from app.backends.local.name_index import Candidate, Identifiers, NameIndex, Words

FEATURES = (
    "constant",
    "cosine",
    "cosine squared",
    "lead over the next concept",
    "shared words",
    "same last word",
    "same first word",
    "length",
    "short form",
    "rarity of shared words",
    "each covers the other",
    "covered by all names",
    "linked elsewhere in the text",
)
_LONGEST = 5
_L2 = 1.0
# Of each type of each loaded model; one takes about 4 KB.
_REMEMBERED = 2_000
# Words are alike by a common beginning ("psychotic", "psychosis"), or by a long common end.
_LEAST_BEGINNING, _LEAST_END, _END_SHARE = 4, 6, 0.8

Row = tuple[list[float], bool]
# The words of a name, each with its rarity.
Rarities = Sequence[tuple[str, float]]


class Answer(NamedTuple):
    """A concept and the probability that it is the one meant."""

    identifiers: Identifiers
    probability: float


class Nearness:
    """A logistic regression over a mention and a candidate."""

    def __init__(self, weights: NDArray[np.float64]) -> None:
        self._weights = [float(weight) for weight in weights]

    @classmethod
    def train(cls, rows: Iterable[Row]) -> "Nearness":
        """Learn from (features, whether the candidate was meant)."""
        sparse = ((dict(enumerate(values)), answer) for values, answer in rows)
        return cls(train_maxent(sparse, len(FEATURES), _L2))

    def best(self, rows: Sequence[tuple[Candidate, Sequence[float]]]) -> Answer | None:
        """The most probable of the candidates; None if there is none."""
        answers = [Answer(each.identifiers, self._probability(values)) for each, values in rows]
        return max(answers, key=lambda answer: answer.probability, default=None)

    def state(self) -> State:
        """Everything learnt, as arrays."""
        return {"weights": np.array(self._weights)}

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[np.generic]]) -> "Nearness":
        """The inverse of `state`; ValueError if it was learnt from other features."""
        weights = state["weights"].astype(np.float64)
        if weights.shape != (len(FEATURES),):
            raise ValueError("other features")
        return cls(weights)

    def _probability(self, values: Sequence[float]) -> float:
        odds = sum(weight * value for weight, value in zip(self._weights, values, strict=True))
        return 1 / (1 + exp(-odds)) if odds > -700 else 0.0


class Neighbourhood:
    """Known names, and what there is to say of those near a name."""

    def __init__(self, index: NameIndex) -> None:
        self._index = index
        # The same names come again and again, in one text and from text to text.
        self._described = lru_cache(_REMEMBERED)(self._describe)

    def describe(
        self, name: Words, short_form: bool, elsewhere: Container[Identifiers]
    ) -> list[tuple[Candidate, list[float]]]:
        """The candidates for a name that is not empty, with one value for each of FEATURES.

        `elsewhere` are the concepts of the text's other mentions, as far as they are certain.
        """
        return [
            (candidate, [*values, float(candidate.identifiers in elsewhere)])
            for candidate, values in self._described(name, short_form)
        ]

    def _describe(
        self, name: Words, short_form: bool
    ) -> tuple[tuple[Candidate, tuple[float, ...]], ...]:
        candidates = self._index.candidates(name)
        rarities = self._rarities(name)
        return tuple(
            (candidate, self._values(name, rarities, short_form, candidate, candidates))
            for candidate in candidates
        )

    def _rarities(self, name: Iterable[str]) -> list[tuple[str, float]]:
        return [(word, self._index.rarity(word)) for word in name]

    def _values(
        self,
        name: Words,
        rarities: Rarities,
        short_form: bool,
        candidate: Candidate,
        candidates: Sequence[Candidate],
    ) -> tuple[float, ...]:
        rarity = self._index.rarity
        others = (each.cosine for each in candidates if each is not candidate)
        asked, known = set(name), set(candidate.name)
        shared, either = asked & known, asked | known
        return (
            1.0,
            candidate.cosine,
            candidate.cosine**2,
            candidate.cosine - max(others, default=0.0),
            len(shared) / len(either),
            float(name[-1] == candidate.name[-1]),
            float(name[0] == candidate.name[0]),
            min(len(name), _LONGEST) / _LONGEST,
            float(short_form),
            # Exact sums: those of sets would depend on the order, which no two processes share.
            fsum(map(rarity, shared)) / max(fsum(map(rarity, either)), 1e-9),
            _covered(rarities, known) * _covered(self._rarities(candidate.name), asked),
            _covered(rarities, self._index.words[candidate.identifiers]),
        )


def _covered(rarities: Rarities, by: Set[str]) -> float:
    """The share of a name's words, by rarity, that others are like."""
    alike = sum(
        rarity * (1.0 if word in by else max([_alike(word, each) for each in by], default=0.0))
        for word, rarity in rarities
    )
    return alike / max(sum(rarity for _, rarity in rarities), 1e-9)


@lru_cache(maxsize=100_000)
def _alike(one: str, other: str) -> float:
    """0 to 1: the share of the longer word that both begin or end with."""
    if one == other:
        return 1.0
    longer = max(len(one), len(other))
    if one[:_LEAST_BEGINNING] == other[:_LEAST_BEGINNING]:
        begin = _common(one, other)
        if begin >= _LEAST_BEGINNING:
            return begin / longer
    if one[-_LEAST_END:] == other[-_LEAST_END:]:
        end = _common(one[::-1], other[::-1])
        if end >= _LEAST_END:
            return _END_SHARE * end / longer
    return 0.0


def _common(one: str, other: str) -> int:
    """The length of the beginning that two words share."""
    for place, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return place
    return min(len(one), len(other))
