"""The weights of a trained CRF, and the emission scores they give: exact sums, made fast.

A token's score for a label is the sum of the weights of its features. What depends on one word
alone is summed once for each distinct word and kept as rows of a table, so that most of the work
is to gather and add rows.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from app.backends.local.features import STREAMS, Group, Layout, Stream

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]

# For each prefix the rows of the features that begin with it, by the rest of their names.
Named = Mapping[str, Mapping[str, int]]

_KEPT_STRINGS = 30_000
_SUMMED_AT_ONCE = 256


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
        # The last row is that of every feature without weights.
        self.states = np.concatenate([states, np.zeros((1, len(labels)), np.float32)])
        prefixes = {stream.prefix(each) for stream in STREAMS for each in stream.distances}
        named: dict[str, dict[str, int]] = defaultdict(dict)
        self._context: dict[str, int] = {}
        for row, feature in enumerate(features):
            prefix, _, name = feature.partition(":")
            if prefix in prefixes:
                named[prefix][name] = row
            else:
                self._context[feature] = row
        self._tables = [_Table(stream, named, self.states) for stream in STREAMS]

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
            get, none = self._context.get, len(self.features)
            rows = [get(name, none) for token in told for name in context[token]]
            lengths = np.array([len(context[token]) for token in told])
            starts = lengths.cumsum() - lengths
            scores[told] += np.add.reduceat(self.states[rows], starts, axis=0)
        return scores


class _Table:
    """The vectors of a stream's strings, (strings, distances, labels); the first is of nothing.

    Of a stream with features they are summed when first asked for, and forgotten all together
    when there are many; of one without, all there are stand ready.
    """

    def __init__(self, stream: Stream, named: Named, states: Floats) -> None:
        self._distances = np.array(stream.distances)[:, None]
        self._columns = np.arange(len(stream.distances))[:, None]
        self._groups = [_Names(stream, group, named, states) for group in stream.groups]
        self._summed = all(group.features for group in stream.groups)
        self._shape = (len(self._distances), states.shape[1])
        self._lock = Lock()
        self._forget()
        if not self._summed:
            self._sum(list(dict.fromkeys(chain(*(group.known for group in self._groups)))))

    def add(self, scores: Floats, strings: Sequence[str], places: Ints) -> None:
        """Add to the score of each token what the strings around its place say."""
        around = self._distances + places
        with self._lock:
            if self._summed and len(self._rows) > _KEPT_STRINGS:
                self._forget()
            rows = np.array(self._rows_of(strings), np.intp)
            # Distance by distance: sums of long rows are quicker than of many short ones.
            cells = rows[around] * len(around) + self._columns
            vectors = self._table.reshape(-1, self._shape[1]).take(cells, axis=0)
        scores += vectors.sum(axis=0)

    def _forget(self) -> None:
        self._rows: dict[str, int] = {}
        self._table: Floats = np.zeros((1, *self._shape), np.float32)

    def _rows_of(self, strings: Sequence[str]) -> list[int]:
        rows = [self._rows.get(string, 0) for string in strings]
        if self._summed and 0 in rows:
            missing = (string for string, row in zip(strings, rows, strict=True) if not row)
            self._sum(list(dict.fromkeys(missing)))
            rows = [self._rows[string] for string in strings]
        return rows

    def _sum(self, strings: Sequence[str]) -> None:
        """Add a row for each of these strings, of which there is none yet."""
        first = len(self._rows) + 1
        end = first + len(strings)
        if end > len(self._table):
            more = max(end, 2 * len(self._table)) - len(self._table)
            nothing = np.zeros((more, *self._shape), np.float32)
            self._table = np.concatenate([self._table, nothing])
        for start in range(0, len(strings), _SUMMED_AT_ONCE):
            part = strings[start : start + _SUMMED_AT_ONCE]
            rows = slice(first + start, first + start + len(part))
            for group in self._groups:
                self._table[rows, group.columns] = group.sums(part)
        self._rows.update(zip(strings, range(first, end), strict=True))


class _Names:
    """What the strings of one group of a stream say, by names of features.

    `known` numbers the names; `columns` are the group's distances among those of the stream.
    """

    def __init__(self, stream: Stream, group: Group, named: Named, states: Floats) -> None:
        self._says = group.features or _itself
        self.columns = [stream.distances.index(distance) for distance in group.distances]
        rows = [named.get(stream.prefix(distance), {}) for distance in group.distances]
        self.known = {name: number for number, name in enumerate(dict.fromkeys(chain(*rows)))}
        # The rows of a name at all distances; the last are those of a name without weights.
        none = len(states) - 1
        self._rows = np.full((len(self.known) + 1, len(rows)), none, np.int32)
        for column, each in enumerate(rows):
            numbers = [self.known[name] for name in each]
            self._rows[numbers, column] = list(each.values())
        self._states = states

    def sums(self, strings: Sequence[str]) -> Floats:
        """The sums of the weights of each string's features, (strings, distances, labels)."""
        get, none = self.known.get, len(self.known)
        names = [self._says(string) for string in strings]
        lengths = np.array([len(each) for each in names])
        numbers = np.full((len(names), lengths.max()), none, np.intp)
        numbers[np.arange(numbers.shape[1]) < lengths[:, None]] = [
            get(name, none) for each in names for name in each
        ]
        sums: Floats = self._states[self._rows[numbers]].sum(axis=1)
        return sums


def _itself(string: str) -> Sequence[str]:
    return (string,)
