"""Names of concepts, to be found by those spelt most like them.

Names are vectors of character n-grams of their canonical words, weighted by TF-IDF (Salton and
Buckley, "Term-weighting approaches in automatic text retrieval", 1988) and compared by cosine.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt

import numpy as np

Words = tuple[str, ...]
Identifiers = tuple[str, ...]

_GRAM = 3
_CANDIDATES = 6
_LEAST_COSINE = 0.3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A concept and how near it is: `name` is its name that is spelt most like what was asked."""

    identifiers: Identifiers
    name: Words
    cosine: float


class NameIndex:
    """Names as canonical words (none empty), with the identifiers each stands for."""

    def __init__(self, names: Sequence[Words], identifiers: Sequence[Identifiers]) -> None:
        self.names = names
        self.identifiers = identifiers
        self.words: dict[Identifiers, set[str]] = defaultdict(set)
        for name, concept in zip(names, identifiers, strict=True):
            self.words[concept].update(name)
        self._unseen = self._idf(0)
        word_names = Counter(word for name in names for word in set(name))
        self._rarities = {word: self._idf(count) for word, count in word_names.items()}
        grams = [Counter(_grams(name)) for name in names]
        gram_names = Counter(gram for each in grams for gram in each)
        self._gram_rarities = {gram: self._idf(count) for gram, count in gram_names.items()}
        postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, each in enumerate(grams):
            weights, norm = self._weighted(each)
            for gram, weight in weights.items():
                postings[gram].append((number, weight / norm))
        self._postings = {
            gram: (
                np.array([number for number, _ in entries], np.intp),
                np.array([weight for _, weight in entries], np.float64),
            )
            for gram, entries in postings.items()
        }

    def rarity(self, word: str) -> float:
        """The inverse document frequency of a word among the names; at least about 0."""
        return self._rarities.get(word, self._unseen)

    def candidates(self, name: Words) -> tuple[Candidate, ...]:
        """The concepts with the names most like this one, the nearest first, each once."""
        weights, norm = self._weighted(Counter(_grams(name)))
        postings = [self._postings[gram] for gram in weights if gram in self._postings]
        if not postings:
            return ()
        numbers, shares = (np.concatenate(each) for each in zip(*postings, strict=True))
        known = [weight / norm for gram, weight in weights.items() if gram in self._postings]
        parts = np.repeat(known, [len(each) for each, _ in postings])
        cosines = np.bincount(numbers, parts * shares, len(self.names))
        found: dict[Identifiers, Candidate] = {}
        near = np.flatnonzero(cosines >= _LEAST_COSINE)
        nearest = near[np.argsort(-cosines[near], kind="stable")]
        for number, cosine in zip(nearest.tolist(), cosines[nearest].tolist(), strict=True):
            if len(found) == _CANDIDATES:
                break
            concept = self.identifiers[number]
            found.setdefault(concept, Candidate(concept, self.names[number], cosine))
        return tuple(found.values())

    def _weighted(self, grams: Counter[str]) -> tuple[dict[str, float], float]:
        weights = {
            gram: (1 + log(count)) * self._gram_rarities.get(gram, self._unseen)
            for gram, count in grams.items()
        }
        return weights, sqrt(sum(weight * weight for weight in weights.values())) or 1.0

    def _idf(self, names: int) -> float:
        return log((len(self.names) + 1) / (names + 0.5))


def _grams(name: Words) -> list[str]:
    text = f" {' '.join(name)} "
    return [text[start : start + _GRAM] for start in range(len(text) - _GRAM + 1)]
