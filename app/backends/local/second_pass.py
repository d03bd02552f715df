"""The second pass: which candidates are mentions, seen over the whole document.

Trees learn from the candidates of documents that the first pass had not seen how often one like
this is right; of those that overlap, the choice is kept that promises most.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from app.backends.local.arrays import State
from app.backends.local.boosting import Boosting, BoostingOptions
from app.backends.local.labels import Span

Floats = NDArray[np.float64]

# The F1 of a set of spans is highest if each is kept whose chance is above half of that F1 (Lewis,
# 1995), so somewhat below one half; cross-validated on the training split of BC5CDR.
LEAST_CHANCE = 0.4

_OPTIONS = BoostingOptions(trees=150, depth=3, rate=0.1, least_weight=10.0)
# With fewer mentions to learn from, the CRF's own chances do better.
_FEWEST_RIGHT = 500


class SecondPass:
    """A chance for each row of a span table. Safe to use from several threads."""

    def __init__(self, trees: Boosting) -> None:
        self._trees = trees

    @classmethod
    def train(cls, table: Floats, right: Floats) -> Self | None:
        """Learn from rows and whether each was a mention, 1.0 or 0.0; None if these are too few."""
        if right.sum() < _FEWEST_RIGHT:
            return None
        return cls(Boosting.train(table, right, _OPTIONS))

    def chances(self, table: Floats) -> Floats:
        """How probable it is that each candidate is a mention."""
        chances: Floats = 1 / (1 + np.exp(-self._trees.log_odds(table)))
        return chances

    def state(self) -> State:
        """Everything learnt, as arrays."""
        return self._trees.state()

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[np.generic]]) -> Self:
        """The inverse of `state`."""
        return cls(Boosting.from_state(state))


def choose(spans: Sequence[Span], chances: Sequence[float]) -> list[int]:
    """Which spans to keep, in order, none overlapping: those with the most chance in sum.

    Each counts for what its chance is above LEAST_CHANCE. Weighted interval scheduling: the best
    choice up to a span's end is without it, or with it and the best up to its start.
    """
    kept = sorted(
        (span.end, span.start, number)
        for number, (span, chance) in enumerate(zip(spans, chances, strict=True))
        if chance > LEAST_CHANCE
    )
    ends = [end for end, _, _ in kept]
    best, before = [0.0], [0]
    for place, (_, start, number) in enumerate(kept):
        fitting = bisect_right(ends, start, 0, place)
        with_it = best[fitting] + chances[number] - LEAST_CHANCE
        before.append(fitting if with_it > best[-1] else -1)
        best.append(max(with_it, best[-1]))
    chosen = []
    place = len(kept)
    while place:
        if before[place] < 0:
            place -= 1
        else:
            chosen.append(kept[place - 1][2])
            place = before[place]
    return chosen[::-1]
