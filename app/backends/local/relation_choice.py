"""From probabilities to relations: which pairs of a text are kept, and at which threshold."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# The pairs of one text, a row each: probabilities (or what tells them), and the right answers.
Answered = tuple[Floats, list[bool]]

# The best pair of a text is kept if it reaches this part of the threshold: most abstracts that
# name both a chemical and a disease relate at least two of them.
_BEST_PART = 0.6
_THRESHOLDS = np.arange(0.10, 0.71, 0.01)
# F1 jumps about from one threshold to the next: the middle of the best stretch of this many wins.
_STRETCH = 5


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
    for probabilities, answers in texts:
        indices = chosen(probabilities, threshold)
        kept += len(indices)
        right += sum(answers[index] for index in indices)
    precision, recall = right / max(kept, 1), right / max(relations, 1)
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / max(precision + recall, 1e-9),
    }


def best_threshold(texts: Sequence[Answered], relations: int) -> float:
    """The threshold of the best f1, smoothed over its neighbours; of equals the middle one."""
    f1 = [scores(texts, relations, threshold)["f1"] for threshold in _THRESHOLDS.tolist()]
    smooth = np.convolve(f1, np.ones(_STRETCH) / _STRETCH, "valid")
    best = np.flatnonzero(smooth > smooth.max() - 1e-9)
    return float(_THRESHOLDS[best[len(best) // 2] + _STRETCH // 2])
