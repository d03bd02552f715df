"""From scores to probabilities: what share of answers with such a score was right on held-out data.

The map is isotonic regression by pooling adjacent violators (Ayer et al., "An empirical
distribution function for sampling with incomplete information", 1955), linear between the means of
its blocks. How well it holds is told by the expected calibration error (Naeini, Cooper and
Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", 2015).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.backends.local.arrays import State

Floats = NDArray[np.float64]

# Blocks of fewer answers say too little of their own.
_LEAST_BLOCK = 25
_STEPS = 200
_BINS = 10


@dataclass(frozen=True)
class Calibration:
    """A map from scores to probabilities, both 0 to 1.

    `reached[i]` is the precision of all held-out answers whose probability is `levels[i]` or more.
    """

    scores: Floats
    probabilities: Floats
    levels: Floats
    reached: Floats

    @classmethod
    def fit(cls, scores: ArrayLike, right: ArrayLike) -> Self:
        """Learn from answers to data that was held out: their scores, and which were right.

        Without any answer scores stay as they are.
        """
        given, hits = np.asarray(scores, np.float64), np.asarray(right, np.float64)
        if not len(given):
            ends = np.array([0.0, 1.0])
            return cls(ends, ends, np.zeros(0), np.zeros(0))
        order = np.argsort(given, kind="stable")
        given, hits = given[order], hits[order]
        means = _isotonic(hits, _blocks(given))
        centres = np.array([given[start:end].mean() for start, end, _ in means])
        found = cls(centres, np.array([mean for _, _, mean in means]), np.zeros(0), np.zeros(0))
        probabilities = found.apply(given)
        levels = np.unique(np.quantile(probabilities, np.linspace(0, 1, _STEPS)))
        first = np.searchsorted(probabilities, levels, side="left")
        tail = hits[::-1].cumsum()[::-1]
        reached = tail[first] / (len(hits) - first)
        return cls(found.scores, found.probabilities, levels, reached)

    def apply(self, scores: ArrayLike) -> Floats:
        """The probabilities of answers with these scores."""
        return np.interp(np.asarray(scores, np.float64), self.scores, self.probabilities)

    def probability(self, score: float) -> float:
        """The probability of one answer."""
        return float(self.apply([score])[0])

    def threshold_for(self, precision: float) -> float | None:
        """The lowest probability such that held-out answers of it or more were right this often.

        None if no threshold reaches it.
        """
        enough = self.reached >= precision
        return float(self.levels[np.argmax(enough)]) if enough.any() else None

    def state(self) -> State:
        """The map as arrays."""
        return {
            "scores": self.scores,
            "probabilities": self.probabilities,
            "levels": self.levels,
            "reached": self.reached,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[np.generic]]) -> Self:
        """The inverse of `state`."""
        names = ("scores", "probabilities", "levels", "reached")
        return cls(*(state[name].astype(np.float64) for name in names))


def calibration_error(probabilities: ArrayLike, right: ArrayLike) -> float:
    """The expected calibration error over ten bins of equal width, 0 to 1.

    The mean over all answers of how far their bin's mean probability is from its share of right
    ones. Of no answers it is 0.
    """
    given, hits = np.asarray(probabilities, np.float64), np.asarray(right, np.float64)
    if not len(given):
        return 0.0
    bins = np.minimum((given * _BINS).astype(np.intp), _BINS - 1)
    gaps = np.bincount(bins, given, _BINS) - np.bincount(bins, hits, _BINS)
    return float(np.abs(gaps).sum() / len(given))


def cross_fitted(scores: ArrayLike, right: ArrayLike, folds: int = 5) -> Floats:
    """The probability of each answer by a map learnt from the other folds' answers alone."""
    given, hits = np.asarray(scores, np.float64), np.asarray(right, np.float64)
    found = np.zeros(len(given))
    for fold in range(min(folds, len(given))):
        held = np.arange(len(given)) % folds == fold
        found[held] = Calibration.fit(given[~held], hits[~held]).apply(given[held])
    return found


def _blocks(scores: Floats) -> list[tuple[int, int]]:
    """Sorted scores in runs of enough answers; equal scores are never torn apart."""
    blocks = []
    start = 0
    while start < len(scores):
        end = min(start + _LEAST_BLOCK, len(scores))
        end = int(np.searchsorted(scores, scores[end - 1], side="right"))
        if len(scores) - end < _LEAST_BLOCK:
            end = len(scores)
        blocks.append((start, end))
        start = end
    return blocks


def _isotonic(hits: Floats, blocks: Sequence[tuple[int, int]]) -> list[tuple[int, int, float]]:
    """Blocks with their means, neighbours pooled until no mean is below the one before it."""
    pooled: list[tuple[int, int, float]] = []
    for start, end in blocks:
        first, mean = start, float(hits[start:end].mean())
        while pooled and pooled[-1][2] >= mean:
            first = pooled.pop()[0]
            mean = float(hits[first:end].mean())
        pooled.append((first, end, mean))
    return pooled
