"""The weights of a trained CRF, and the emission scores they give: exact sums, made fast.

A token's score for a label is the sum of the weights of its features. What depends on one word
alone is summed once for each distinct word and kept as rows of a table, so that most of the work
is to gather and add rows.
"""

from collections.abc import Callable, Iterable, Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from app.backends.local.features import STREAMS, Stream, lay_out
from app.backends.local.reading import Reading

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]

_KEPT_STRINGS = 30_000


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
        self._tables = [_Table(stream, self._sum, features) for stream in STREAMS]

    def emissions(self, reading: Reading, context: Sequence[Sequence[str]]) -> Floats:
        """The score of each label for each token, (tokens, labels).

        `context` are the features of each token that the streams do not give.
        """
        scores = np.zeros((len(reading.words), len(self.labels)), np.float32)
        layout = lay_out(reading)
        places = np.array(layout.places, np.intp)
        for table, strings in zip(self._tables, layout.strings, strict=True):
            table.add(scores, strings, places)
        told = [token for token, features in enumerate(context) if features]
        if told:
            none = len(self._rows)
            rows = [self._rows.get(name, none) for token in told for name in context[token]]
            lengths = np.array([len(context[token]) for token in told])
            starts = lengths.cumsum() - lengths
            scores[told] += np.add.reduceat(self.states[rows], starts, axis=0)
        return scores

    def _sum(self, features: Iterable[str]) -> Floats:
        none = len(self._rows)
        rows = [self._rows.get(feature, none) for feature in features]
        total: Floats = self.states[rows].sum(axis=0)
        return total


class _Table:
    """The vectors of a stream's strings, one for each distance, computed once and kept.

    Forgotten all together when there are many.
    """

    def __init__(
        self, stream: Stream, total: Callable[[Iterable[str]], Floats], features: Iterable[str]
    ) -> None:
        self._stream = stream
        self._total = total
        self._known = None if stream.features else stream.strings_of(features)
        self._lock = Lock()
        self._forget()

    def add(self, scores: Floats, strings: Sequence[str], places: Ints) -> None:
        """Add to the score of each token what the strings around its place say."""
        with self._lock:
            if len(self._rows) > _KEPT_STRINGS:
                self._forget()
            known = self._rows.get
            rows = np.array([known(s) or self._row(s) for s in strings], np.intp)
            vectors = self._table[rows]
        for column, distance in enumerate(self._stream.distances):
            scores += vectors[places + distance, column]

    def _forget(self) -> None:
        # Row 0 is that of every string that says nothing.
        self._rows: dict[str, int] = {}
        nothing = np.stack([self._total(()) for _ in self._stream.distances])
        self._table = np.zeros((1024, *nothing.shape), np.float32)

    def _row(self, string: str) -> int:
        if self._known is not None and string not in self._known:
            return 0
        row = self._rows[string] = len(self._rows) + 1
        if row == len(self._table):
            self._table = np.concatenate([self._table, np.zeros_like(self._table)])
        for column, distance in enumerate(self._stream.distances):
            self._table[row, column] = self._total(self._stream.says(string, distance))
        return row
