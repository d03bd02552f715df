"""The weights of a trained CRF, and the emission scores they give: exact sums, made fast.

A token's score for a label is the sum of the weights of its features. What depends on one word
alone is summed once for each distinct word and kept as rows of a table, so that most of the work
is to gather and add rows.
"""

from collections.abc import Iterable, Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from app.backends.local.features import STREAMS, Layout, Stream

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
        self._tables = [_Table(stream, self) for stream in STREAMS]

    def emissions(self, layout: Layout, context: Sequence[Sequence[str]]) -> Floats:
        """The score of each label for each token, (tokens, labels).

        `context` are the features of each token that the streams do not give.
        """
        scores = np.zeros((len(layout.places), len(self.labels)), np.float32)
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

    def total(self, features: Iterable[str]) -> Floats:
        """The sum of the weights of these features, one for each label."""
        none = len(self._rows)
        rows = [self._rows.get(feature, none) for feature in features]
        total: Floats = self.states[rows].sum(axis=0)
        return total


class _Table:
    """The vectors of a stream's strings, one for each distance.

    Of a stream with `features` they are summed when first asked for, and forgotten all together
    when there are many; of one without, all there are stand ready.
    """

    def __init__(self, stream: Stream, weights: "Weights") -> None:
        self._stream = stream
        self._weights = weights
        self._columns = np.arange(len(stream.distances))
        self._lock = Lock()
        self._forget()
        if not stream.features:
            self._learn()

    def add(self, scores: Floats, strings: Sequence[str], places: Ints) -> None:
        """Add to the score of each token what the strings around its place say."""
        around = places[:, None] + np.array(self._stream.distances)
        with self._lock:
            if len(self._rows) > _KEPT_STRINGS and self._stream.features:
                self._forget()
            rows = np.array(self._rows_of(strings), np.intp)
            cells = rows[around] * len(self._columns) + self._columns
            vectors = self._table.take(cells, axis=0)
        scores += vectors.sum(axis=1)

    def _forget(self) -> None:
        # The first row is that of every string that says nothing.
        self._rows: dict[str, int] = {}
        self._table = np.zeros((1024 * len(self._columns), len(self._weights.labels)), np.float32)

    def _rows_of(self, strings: Sequence[str]) -> list[int]:
        known = self._rows.get
        if not self._stream.features:
            return [known(string, 0) for string in strings]
        return [known(string) or self._new_row(string) for string in strings]

    def _new_row(self, string: str, summed: bool = True) -> int:
        row = self._rows[string] = len(self._rows) + 1
        first = row * len(self._columns)
        if first == len(self._table):
            self._table = np.concatenate([self._table, np.zeros_like(self._table)])
        if summed:
            for cell, distance in enumerate(self._stream.distances, first):
                self._table[cell] = self._weights.total(self._stream.says(string, distance))
        return row

    def _learn(self) -> None:
        """Fill in every string that any feature speaks of."""
        for number, name in enumerate(self._weights.features):
            if said := self._stream.said_by(name):
                string, column = said
                row = self._rows.get(string) or self._new_row(string, summed=False)
                cell = row * len(self._columns) + column
                self._table[cell] = self._weights.states[number]
