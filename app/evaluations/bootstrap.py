"""Whether one model is better than another, or only luckier with the documents it was measured on.

The interval is a paired bootstrap's: documents are drawn with replacement, both models are scored
on the same draws, and the percentiles of the difference are taken (Efron 1979; Berg-Kirkpatrick et
al., "An Empirical Investigation of Statistical Significance in NLP", EMNLP 2012). The p-value is
that of approximate randomisation (Yeh, "More accurate tests for the statistical significance of
result differences", COLING 2000): if the models were alike, their answers about a document could be
swapped, so the difference is compared with those after random swaps. It makes no assumption about
how F1 is distributed, and is exact where there are few enough swaps to try them all.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
RESAMPLES = 10_000

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

_PERCENTILES = (100 * (1 - CONFIDENCE) / 2, 100 * (1 + CONFIDENCE) / 2)
# So many documents are drawn at a time: they fit into a processor's cache.
_DRAWS_AT_ONCE = 1 << 16
# Equal differences may differ in their last bits.
_TOLERANCE = 1e-12


@dataclass(frozen=True, slots=True)
class Difference:
    """The micro F1 of a model minus that of the baseline, on the same documents.

    `low` and `high` bound it with 95 % confidence; `p_value` (two-sided) is how often a difference
    as large would come about if the models were alike. `won`, `lost` and `tied` are the documents
    on which the model's own F1 is higher, lower, the same.
    """

    difference: float
    low: float
    high: float
    p_value: float
    won: int
    lost: int
    tied: int


def paired(
    baseline: Integers, model: Integers, *, resamples: int = RESAMPLES, seed: int = 0
) -> Difference:
    """Compare two models by their counts: one row a document, columns tp, fp, fn.

    The same counts and seed give the same answer. Raises ValueError if the shapes are not those.
    """
    if baseline.shape != model.shape or baseline.shape[1:] != (3,):
        raise ValueError("the counts of both models must have the shape (documents, 3)")
    if resamples < 1:
        raise ValueError("there must be at least one resample")
    generator = np.random.default_rng(seed)
    observed = float(_f1(model.sum(axis=0)) - _f1(baseline.sum(axis=0)))
    low, high = _interval(baseline, model, resamples, generator)
    won, lost = _won_and_lost(baseline, model)
    return Difference(
        difference=observed,
        low=low,
        high=high,
        p_value=_p_value(baseline, model, abs(observed), resamples, generator),
        won=won,
        lost=lost,
        tied=len(model) - won - lost,
    )


def _interval(
    baseline: Integers, model: Integers, resamples: int, generator: np.random.Generator
) -> tuple[float, float]:
    documents = len(model)
    if not documents:
        return 0.0, 0.0
    both = np.hstack([baseline, model]).astype(np.float64)
    differences = []
    for rows in _chunks(resamples, documents):
        drawn = generator.integers(documents, size=(rows, documents))
        drawn += np.arange(rows)[:, None] * documents  # each resample counts in a row of its own
        times = np.bincount(drawn.ravel(), minlength=rows * documents).reshape(rows, documents)
        sums = times @ both
        differences.append(_f1(sums[:, 3:]) - _f1(sums[:, :3]))
    low, high = np.percentile(np.concatenate(differences), _PERCENTILES)
    return float(low), float(high)


def _p_value(
    baseline: Integers,
    model: Integers,
    observed: float,
    resamples: int,
    generator: np.random.Generator,
) -> float:
    # To swap equal counts changes nothing.
    change = (model - baseline)[(model != baseline).any(axis=1)].astype(np.float64)
    exact = 1 << min(len(change), 62) <= resamples
    tried = as_large = 0
    for swaps in _all_swaps(len(change)) if exact else _swaps(len(change), resamples, generator):
        moved = swaps @ change
        differences = _f1(model.sum(axis=0) - moved) - _f1(baseline.sum(axis=0) + moved)
        as_large += int(np.count_nonzero(np.abs(differences) >= observed - _TOLERANCE))
        tried += len(swaps)
    # What was observed is one of all swaps, and is added to those drawn at random.
    return as_large / tried if exact else (as_large + 1) / (tried + 1)


def _all_swaps(documents: int) -> Iterator[Floats]:
    numbers = np.arange(1 << documents)[:, None]
    yield (numbers >> np.arange(documents) & 1).astype(np.float64)


def _swaps(documents: int, resamples: int, generator: np.random.Generator) -> Iterator[Floats]:
    for rows in _chunks(resamples, documents):
        yield generator.integers(2, size=(rows, documents), dtype=np.int8).astype(np.float64)


def _won_and_lost(baseline: Integers, model: Integers) -> tuple[int, int]:
    before, after = document_f1(baseline), document_f1(model)
    return int(np.count_nonzero(after > before)), int(np.count_nonzero(after < before))


def document_f1(counts: Integers) -> Floats:
    """F1 of each document (tp, fp, fn); 1 where there is nothing to find and nothing is found."""
    return np.where(counts.any(axis=1), _f1(counts), 1.0)


def _f1(counts: NDArray[np.float64] | Integers) -> Floats:
    """F1 of counts whose last axis is tp, fp, fn; 0 where there is nothing."""
    twice = 2.0 * counts[..., 0]
    whole = twice + counts[..., 1] + counts[..., 2]
    return np.divide(twice, whole, out=np.zeros_like(whole), where=whole > 0)


def _chunks(resamples: int, documents: int) -> Iterator[int]:
    """How many resamples to make at a time, so that the memory needed is bounded."""
    most = max(1, _DRAWS_AT_ONCE // max(1, documents))
    for start in range(0, resamples, most):
        yield min(most, resamples - start)
