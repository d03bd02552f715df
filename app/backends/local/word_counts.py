"""How often each word of the training documents stood in a mention, and how often anywhere.

The dictionary knows whole mentions; this says what their words are worth in mentions never seen.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from app.backends.local.arrays import State, pack_strings, unpack_strings
from app.backends.local.labels import Span
from app.corpora.documents import MENTION_TYPES

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

_ENDING = 4
_TYPES = len(MENTION_TYPES)


class WordCounts:
    """Shares of words, in lower case, and of their last four letters.

    `counts` has a row for each of `names`: how often it stood anywhere, in a mention of each of
    MENTION_TYPES, and as the last word of one. An ending is named after a hyphen.
    """

    def __init__(self, names: Sequence[str], counts: NDArray[np.uint32]) -> None:
        self._names = names
        self._counts = counts
        self._rows = {name: row for row, name in enumerate(names)}
        none = len(names)
        self._endings = np.array(
            [*(self._rows.get(_ending(name), none) for name in names), none], np.intp
        )
        # The last row is that of every word never seen.
        known = np.concatenate([counts, np.zeros((1, 1 + 2 * _TYPES), np.uint32)]).astype(float)
        self.seen: Floats = known[:, 0]
        anywhere = known[:, :1] + 0.5
        self.inside: Floats = (known[:, 1 : 1 + _TYPES] + 0.1) / anywhere
        self.last: Floats = known[:, 1 + _TYPES :] / anywhere

    @classmethod
    def learn(cls, texts: Iterable[Sequence[str]], mentions: Iterable[Sequence[Span]]) -> Self:
        """Count the words of these documents, given in lower case."""
        anywhere: Counter[str] = Counter()
        inside: list[Counter[str]] = [Counter() for _ in range(2 * _TYPES)]
        for words, spans in zip(texts, mentions, strict=True):
            anywhere.update(words)
            anywhere.update(map(_ending, words))
            for span in spans:
                kind = MENTION_TYPES.index(span.type)
                part = words[span.start : span.end]
                inside[kind].update(part)
                inside[kind].update(map(_ending, part))
                inside[_TYPES + kind][part[-1]] += 1
        names = sorted(anywhere)
        rows = [[anywhere[name], *(each[name] for each in inside)] for name in names]
        return cls(names, np.array(rows, np.uint32).reshape(-1, 1 + 2 * _TYPES))

    def rows(self, words: Sequence[str]) -> tuple[Ints, Ints]:
        """The row of each word, and of its ending, in `seen`, `inside` and `last`.

        The latter two are (rows, types).
        """
        none = len(self._names)
        get = self._rows.get
        rows = np.array([get(word, none) for word in words], np.intp)
        endings = self._endings[rows]
        for place in np.flatnonzero(rows == none).tolist():
            endings[place] = get(_ending(words[place]), none)
        return rows, endings

    def state(self) -> State:
        """Everything counted, as arrays."""
        return {"names": pack_strings(self._names), "counts": self._counts}

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[np.generic]]) -> Self:
        """The inverse of `state`."""
        return cls(unpack_strings(state["names"]), state["counts"].astype(np.uint32))


def _ending(word: str) -> str:
    return f"-{word[-_ENDING:]}"
