"""What the words of a candidate, and those beside it, say about it."""

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from app.backends.local.candidates import Candidates
from app.backends.local.predict import Prediction
from app.backends.local.reading import Reading
from app.backends.local.word_counts import WordCounts
from app.backends.local.word_forms import BRACKET, LENGTH, LETTERS, SMALL

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# Where there is nothing to take a share of.
NOTHING = -1.0


def word_columns(
    readings: Sequence[Reading],
    prediction: Prediction,
    candidates: Candidates,
    counts: WordCounts,
) -> list[Floats]:
    """What the words, and the letters at their ends, were in training, and how they are written.

    The columns of a span table from `last word` to `brackets`.
    """
    lower = list(chain.from_iterable(reading.lower for reading in readings))
    start, end, kind = candidates.start, candidates.end, candidates.kind
    row, ending = counts.rows(lower)
    inside, endings = counts.inside[row], counts.inside[ending]
    looks = np.array([*chain.from_iterable(reading.looks for reading in readings)], np.intp)
    lengths = looks & LENGTH
    marks = (lengths, lengths * (looks >> LETTERS & 1), looks >> SMALL & 1, looks >> BRACKET)
    sums = np.zeros((len(looks) + 1, len(marks)), np.intp)
    np.cumsum(np.stack(marks, axis=1), axis=0, out=sums[1:])
    characters, letters, small, brackets = (sums[end] - sums[start]).T.astype(np.float64)
    rows = np.arange(len(start))
    low, high = np.array(prediction.bounds, np.intp)[candidates.reading].reshape(-1, 2).T
    before = np.where(start > low, inside[start - 1, kind], 0.0)
    after = np.where(end < high, inside[np.minimum(end, high - 1), kind], 0.0)
    seen = counts.seen[row[end - 1]]
    heads = counts.last[row[end - 1]]
    head = heads[rows, kind]
    size = end - start
    best = _best(np.maximum, np.concatenate([inside, endings], axis=1), start, end)
    return [
        np.where(seen > 0, head, NOTHING),
        heads.sum(axis=1) - head,
        seen,
        _best(np.minimum, inside, start, end)[rows, kind],
        best[rows, kind],
        inside[start, kind],
        before,
        after,
        endings[end - 1, kind],
        best[rows, inside.shape[1] + kind],
        size.astype(np.float64),
        characters,
        letters / np.maximum(characters, 1),
        (small == 0).astype(np.float64),
        brackets - size,
    ]


def _best(which: np.ufunc, values: Floats, start: Ints, end: Ints) -> Floats:
    """The least or greatest of each column over each span."""
    if not len(start):
        return np.zeros((0, values.shape[1]))
    edges = np.stack([start, end], axis=1).ravel()
    padded = np.concatenate([values, values[-1:]])
    best: Floats = which.reduceat(padded, edges, axis=0)[::2]
    return best
