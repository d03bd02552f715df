"""From log odds to relations: how probable pairs are, and which pairs of a text are kept.

Both are learnt from answers for documents that were held out, once for mentions that are given and
once for mentions that were found: among found ones fewer pairs are right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from app.backends.local.arrays import State, prefixed, section
from app.backends.local.calibration import Calibration, calibration_error, cross_fitted

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# The best pair of a text is kept if it reaches this part of the threshold: most abstracts that
# name both a chemical and a disease relate at least two of them.
_BEST_PART = 0.6
_THRESHOLDS = np.arange(0.10, 0.71, 0.01)
# F1 jumps about from one threshold to the next: the middle of the best stretch of this many wins.
_STRETCH = 5
# Without anything to learn every pair has probability 0.5.
_NOTHING_PASSES = 1.0
_EVERYTHING_KEPT = 0.0
# A map learnt from fewer answers would be a few steps: their probabilities stay as they are.
_LEAST_ANSWERS = 300


class Truths(NamedTuple):
    """The right answers for the pairs of one text, and which of them `scores` can tell of.

    Relations are scored by identifiers: a pair that lacks one can be neither right nor wrong.
    """

    right: Bools
    scored: Bools


class Answered(NamedTuple):
    """The pairs of one text: the probabilities given without having seen it, and the truth."""

    probabilities: Floats
    truths: Truths


@dataclass(frozen=True)
class Choice:
    """Which pairs are kept: those whose calibrated probability reaches the threshold."""

    calibration: Calibration
    threshold: float

    @classmethod
    def train(
        cls, texts: Sequence[Answered], relations: int, threshold: float | None
    ) -> tuple[Self, dict[str, float]]:
        """Learn from the answers for held-out texts, which have `relations` relations in all.

        Without a threshold given, the one of the best F1 is found. Also gives precision, recall,
        f1 and ece, the expected calibration error, of calibrations that were cross-fitted again.
        """
        given = np.concatenate([np.zeros(0), *(each.probabilities for each in texts)])
        right = np.concatenate([np.zeros(0, bool), *(each.truths.right for each in texts)])
        enough = len(given) >= _LEAST_ANSWERS
        honest = cross_fitted(given, right) if enough else given
        calibration = Calibration.fit(given, right) if enough else _as_they_are(given, right)
        ends = np.cumsum([len(each.probabilities) for each in texts])[:-1]
        calibrated = [
            Answered(values, each.truths)
            for values, each in zip(np.split(honest, ends) if texts else [], texts, strict=True)
        ]
        if threshold is None and relations:
            best, f1 = best_threshold(calibrated, relations)
            # Of calibrated answers F1 is best where it is twice the threshold (Lipton, Elkan and
            # Narayanaswamy, "Optimal thresholding of classifiers to maximize F1 measure", 2014).
            # The height of the curve is known much better than the place of its top.
            threshold = f1 / 2 if enough else best
        elif threshold is None:
            threshold = _NOTHING_PASSES
        measured = scores(calibrated, relations, threshold)
        measured["ece"] = calibration_error(honest, right)
        return cls(calibration, threshold), measured

    def of(self, probabilities: Floats, min_precision: float | None) -> list[tuple[int, float]]:
        """The kept pairs of one text as (index, calibrated probability), the best first.

        With `min_precision`, only such as were right that often among the held-out answers of
        their probability or more; none if no answers were.
        """
        floor = _EVERYTHING_KEPT
        if min_precision is not None:
            least = self.calibration.threshold_for(min_precision)
            if least is None:
                return []
            floor = least
        calibrated = self.calibration.apply(probabilities)
        kept = chosen(calibrated, self.threshold)
        return [(index, float(calibrated[index])) for index in kept if calibrated[index] >= floor]

    def state(self) -> State:
        """Everything learnt, as arrays."""
        return {
            "threshold": np.array([self.threshold]),
            **prefixed("calibration", self.calibration.state()),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[np.generic]]) -> Self:
        """The inverse of `state`."""
        calibration = Calibration.from_state(section("calibration", state))
        return cls(calibration, float(state["threshold"].astype(np.float64)[0]))


def _as_they_are(probabilities: Floats, right: Bools) -> Calibration:
    """One that changes nothing, and knows what precision was reached."""
    ends = np.array([0.0, 1.0])
    levels = np.unique(probabilities)
    reached = np.array([right[probabilities >= level].mean() for level in levels])
    return Calibration(ends, ends, levels, reached)


def chosen(probabilities: Floats, threshold: float) -> list[int]:
    """The kept pairs of one text as indices, the most probable first."""
    order = [int(index) for index in np.argsort(-probabilities, kind="stable")]
    kept = [index for index in order if probabilities[index] >= threshold]
    if not kept and order and probabilities[order[0]] >= _BEST_PART * threshold:
        return order[:1]
    return kept


def scores(texts: Sequence[Answered], relations: int, threshold: float) -> dict[str, float]:
    """Precision, recall and f1 over all texts, which have `relations` relations in all."""
    kept = right = 0
    for probabilities, truths in texts:
        indices = [each for each in chosen(probabilities, threshold) if truths.scored[each]]
        kept += len(indices)
        right += int(truths.right[indices].sum())
    precision, recall = right / max(kept, 1), right / max(relations, 1)
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / max(precision + recall, 1e-9),
    }


def best_threshold(texts: Sequence[Answered], relations: int) -> tuple[float, float]:
    """The threshold of the best f1, smoothed over its neighbours, and that f1.

    Of equals it is the middle one.
    """
    f1 = [scores(texts, relations, threshold)["f1"] for threshold in _THRESHOLDS.tolist()]
    smooth = np.convolve(f1, np.ones(_STRETCH) / _STRETCH, "valid")
    best = np.flatnonzero(smooth > smooth.max() - 1e-9)
    return float(_THRESHOLDS[best[len(best) // 2] + _STRETCH // 2]), float(smooth.max())
