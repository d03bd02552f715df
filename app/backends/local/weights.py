"""The weights of a trained CRF, and the emission scores they give: exact sums, made fast.

A token's score for a label is the sum of the weights of its features. What depends on one word
alone is summed once for each distinct word and kept as rows of a table, so that most of the work
is to gather and add rows.
"""

from collections.abc import Callable, Iterable, Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from app.backends.local.features import DISTANCES, EDGE, WINDOW, chunk_features, window_features
from app.backends.local.reading import Reading

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]

_KEPT_WORDS = 30_000


class Weights:
    """State weights (features x labels), transition weights (from, to), and their label names.

    Safe to use from several threads.
    """

    def __init__(
        self, labels: Sequence[str], features: Sequence[str], states: Floats, transitions: Floats
    ) -> None:
        self.labels = tuple(labels)
        self.features = features
        self.transitions = transitions
        self.states = np.concatenate([states, np.zeros((1, len(labels)), np.float32)])
        self._rows = {feature: row for row, feature in enumerate(features)}
        self._words = _Table(self._word_vectors)
        self._chunks = _Table(lambda chunk: self._sum(chunk_features(chunk)))

    def emissions(self, reading: Reading, context: Sequence[Sequence[str]]) -> Floats:
        """The score of each label for each token, (tokens, labels).

        `context` are the features of each token that do not depend on one word alone.
        """
        if not reading.words:
            return np.zeros((0, len(self.labels)), np.float32)
        scores = self._window_scores(reading) + self._context_scores(context)
        partial = [
            token
            for token, (word, chunk) in enumerate(zip(reading.words, reading.chunks, strict=True))
            if word != chunk
        ]
        scores[partial] += self._chunks.gather([reading.chunks[token] for token in partial])
        return scores

    def _window_scores(self, reading: Reading) -> Floats:
        """What the words around each token say, with EDGE beyond either end of its sequence."""
        padded: list[str] = []
        middle: list[int] = []
        for start, end in reading.sequences:
            padded += [EDGE] * WINDOW
            middle += range(len(padded), len(padded) + end - start)
            padded += reading.words[start:end]
        padded += [EDGE] * WINDOW
        vectors = self._words.gather(padded)
        center = np.array(middle, np.intp)
        return sum(
            (vectors[center + distance, column] for column, distance in enumerate(DISTANCES)),
            start=np.zeros((len(center), len(self.labels)), np.float32),
        )

    def _context_scores(self, context: Sequence[Sequence[str]]) -> Floats:
        none = len(self._rows)
        row = self._rows.get
        rows = [row(feature, none) for token in context for feature in token]
        lengths = np.array([len(token) for token in context])
        return np.add.reduceat(self.states[rows], lengths.cumsum() - lengths, axis=0)

    def _word_vectors(self, word: str) -> Floats:
        """What a word says at each distance, (distances, labels)."""
        return np.stack([self._sum(window_features(word, distance)) for distance in DISTANCES])

    def _sum(self, features: Iterable[str]) -> Floats:
        none = len(self._rows)
        rows = [self._rows.get(feature, none) for feature in features]
        total: Floats = self.states[rows].sum(axis=0)
        return total


class _Table:
    """Vectors of strings, computed once and kept; forgotten all together when there are many."""

    def __init__(self, vectors: Callable[[str], Floats]) -> None:
        self._vectors = vectors
        self._lock = Lock()
        self._forget()

    def _forget(self) -> None:
        self._rows: dict[str, int] = {}
        empty = self._vectors(EDGE)
        self._table = np.empty((1024, *empty.shape), np.float32)

    def gather(self, keys: Sequence[str]) -> Floats:
        """The vectors of these strings, stacked."""
        with self._lock:
            if len(self._rows) > _KEPT_WORDS:
                self._forget()
            rows = [self._row(key) for key in keys]
            return self._table[rows]

    def _row(self, key: str) -> int:
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = len(self._rows)
            if row == len(self._table):
                self._table = np.concatenate([self._table, np.empty_like(self._table)])
            self._table[row] = self._vectors(key)
        return row
