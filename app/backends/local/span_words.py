"""What the words of a candidate, and those beside it, say about it."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from app.backends.local.candidates import Candidates
from app.backends.local.predict import Prediction
from app.backends.local.reading import Reading
from app.backends.local.word_counts import WordCounts

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# Where there is nothing to take a share of.
NOTHING = -1.0

# The bits of `_look`.
_LENGTH, _LETTERS, _SMALL, _BRACKET = 0xFF, 0x100, 0x200, 10
_BRACKETS = {"(": 1, "[": 1, ")": -1, "]": -1}


def word_columns(
    readings: Sequence[Reading],
    prediction: Prediction,
    candidates: Candidates,
    counts: WordCounts,
) -> list[Floats]:
    """What the words, and the letters at their ends, were in training, and how they are written.

    The columns of a span table from `last word` to `brackets`.
    """
    written = list(chain.from_iterable(reading.words for reading in readings))
    lower = list(chain.from_iterable(reading.lower for reading in readings))
    start, end, kind = candidates.start, candidates.end, candidates.kind
    row, ending = counts.rows(lower)
    inside, endings = counts.inside[row], counts.inside[ending]
    looks = np.array([_look(word) for word in written], np.intp)
    lengths, letters = looks & _LENGTH, np.where(looks & _LETTERS, looks & _LENGTH, 0)
    small, depths = looks & _SMALL, (looks >> _BRACKET) - 1
    rows = np.arange(len(start))
    characters = _sums(lengths, start, end)
    low, high = np.array(prediction.bounds, np.intp)[candidates.reading].reshape(-1, 2).T
    before = np.where(start > low, inside[start - 1, kind], 0.0)
    after = np.where(end < high, inside[np.minimum(end, high - 1), kind], 0.0)
    seen = counts.seen[row[end - 1]]
    heads = counts.last[row[end - 1]]
    head = heads[rows, kind]
    return [
        np.where(seen > 0, head, NOTHING),
        heads.sum(axis=1) - head,
        seen,
        _best(np.minimum, inside, start, end)[rows, kind],
        _best(np.maximum, inside, start, end)[rows, kind],
        inside[start, kind],
        before,
        after,
        endings[end - 1, kind],
        _best(np.maximum, endings, start, end)[rows, kind],
        (end - start).astype(np.float64),
        characters,
        _sums(letters, start, end) / np.maximum(characters, 1),
        (_sums(small, start, end) == 0).astype(np.float64),
        _sums(depths, start, end),
    ]


@lru_cache(maxsize=50_000)
def _look(word: str) -> int:
    """Length, letters or not, lower case or not, opening or closing bracket, as bits."""
    bits = min(len(word), _LENGTH) | ((_BRACKETS.get(word, 0) + 1) << _BRACKET)
    return bits | _LETTERS * word.isalpha() | _SMALL * (word != word.upper())


def _sums(values: Ints, start: Ints, end: Ints) -> Floats:
    sums = np.concatenate([[0], values.cumsum()])
    difference: Floats = (sums[end] - sums[start]).astype(np.float64)
    return difference


def _best(which: np.ufunc, values: Floats, start: Ints, end: Ints) -> Floats:
    """The least or greatest of each column over each span."""
    if not len(start):
        return np.zeros((0, values.shape[1]))
    edges = np.stack([start, end], axis=1).ravel()
    padded = np.concatenate([values, values[-1:]])
    best: Floats = which.reduceat(padded, edges, axis=0)[::2]
    return best
