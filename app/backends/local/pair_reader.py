"""The first stage of the relation model: a logistic regression that reads each pair on its own."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Self

import numpy as np
from numpy.typing import NDArray

from app.backends.local.arrays import State, pack_strings, unpack_strings
from app.backends.local.maxent import train_maxent
from app.backends.local.relation_features import GROUPS, NUMBERS, PairFeatures

Floats = NDArray[np.float64]
# A pair to learn from, and whether it is related.
Row = tuple[PairFeatures, bool]

# A name seen in fewer pairs than this is not learnt.
_LEAST_SEEN = 2
# Numbers from here on tell what training said of the two; they are summed apart.
_FIRST_PRIOR = NUMBERS.index("pair_unseen")


class PairReader:
    """Weights of names (log odds each), and of numbers (in the order of NUMBERS)."""

    def __init__(self, weights: Mapping[str, float], numbers: Floats) -> None:
        self._weights = weights
        self._numbers = numbers

    @classmethod
    def train(cls, examples: Iterable[Row], c2: float) -> Self:
        """Learn from pairs that were described without their own answers (see Priors)."""
        rows = list(examples)
        seen = Counter(name for pair, _ in rows for name in chain(*pair.names))
        names = [name for name, count in seen.items() if count >= _LEAST_SEEN]
        index = {name: len(NUMBERS) + place for place, name in enumerate(names)}
        numbers = np.array([pair.numbers for pair, _ in rows]).reshape(-1, len(NUMBERS))
        # Scaled to at most 1 like the names, or one penalty would not suit them all.
        largest = np.abs(numbers).max(axis=0, initial=1e-9)
        weights = train_maxent(
            ((_sparse(pair, index, largest), answer) for pair, answer in rows),
            len(NUMBERS) + len(names),
            c2,
        )
        learnt = weights[len(NUMBERS) :].astype(np.float32).tolist()
        return cls(dict(zip(names, learnt, strict=True)), weights[: len(NUMBERS)] / largest)

    def parts(self, pairs: Sequence[PairFeatures]) -> Floats:
        """What each of GROUPS, the numbers and the priors add to the log odds: (pairs, groups + 2).

        Their sum over the columns is the log odds.
        """
        known: dict[int, float] = {}
        get = self._weights.get
        table = np.empty((len(pairs), len(GROUPS) + 2))
        for row, pair in zip(table, pairs, strict=True):
            for group, names in enumerate(pair.names):
                # Lists that pairs share are summed once; `pairs` keeps their ids from being reused.
                if id(names) not in known:
                    known[id(names)] = sum(get(name, 0.0) for name in names)
                row[group] = known[id(names)]
        added = np.array([pair.numbers for pair in pairs]).reshape(-1, len(NUMBERS)) * self._numbers
        table[:, -2] = added[:, :_FIRST_PRIOR].sum(axis=1)
        table[:, -1] = added[:, _FIRST_PRIOR:].sum(axis=1)
        return table

    def state(self) -> State:
        """Everything learnt, as arrays."""
        return {
            "names": pack_strings(self._weights),
            "weights": np.array(list(self._weights.values()), np.float32),
            "number_names": pack_strings(NUMBERS),
            "groups": pack_strings(GROUPS),
            "numbers": self._numbers,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[np.generic]]) -> Self:
        """The inverse of `state`; ValueError if it was learnt from other numbers."""
        learnt_from = unpack_strings(state["number_names"]), unpack_strings(state["groups"])
        if learnt_from != (list(NUMBERS), list(GROUPS)):
            raise ValueError("the relation model was trained on other features")
        names = unpack_strings(state["names"])
        weights = state["weights"].astype(np.float32).tolist()
        return cls(dict(zip(names, weights, strict=True)), state["numbers"].astype(np.float64))


def _sparse(pair: PairFeatures, index: Mapping[str, int], largest: Floats) -> dict[int, float]:
    scaled = (np.array(pair.numbers) / largest).tolist()
    values = {place: value for place, value in enumerate(scaled) if value}
    values.update((index[name], 1.0) for name in chain(*pair.names) if name in index)
    return values
