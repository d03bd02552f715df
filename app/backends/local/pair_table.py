"""The input of the relation model's second stage: what the first said, and who competes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.backends.local.pair_reader import Floats, PairReader
from app.backends.local.relation_features import PairFeatures

# The log odds of a rival that is not there.
_NO_RIVAL = -5.0


def pair_table(pairs: Sequence[PairFeatures], reader: PairReader, found: bool) -> Floats:
    """The second stage's input: log odds, their parts, the rivals, the numbers, and whether the
    mentions were found rather than given."""
    parts = reader.parts(pairs)
    log_odds = parts.sum(axis=1)
    chemical = np.array([pair.chemical for pair in pairs])
    disease = np.array([pair.disease for pair in pairs])
    other = ~np.eye(len(pairs), dtype=bool)
    same_chemical = other & (chemical[:, None] == chemical)
    same_disease = other & (disease[:, None] == disease)
    rivals = [_rivals(log_odds, mask) for mask in (other, same_chemical, same_disease)]
    numbers = np.array([pair.numbers for pair in pairs])
    return np.column_stack([log_odds, parts, *rivals, numbers, np.full(len(pairs), float(found))])


def _rivals(log_odds: Floats, mask: NDArray[np.bool_]) -> Floats:
    """How each pair compares with its rivals, `mask[pair, rival]`; (pairs, 4).

    The best rival, the lead over it, how many rivals are better, how many are to be expected.
    """
    best = np.where(mask, log_odds, _NO_RIVAL).max(axis=1)
    better = (mask & (log_odds > log_odds[:, None])).sum(axis=1)
    return np.column_stack([best, log_odds - best, better, mask @ probability(log_odds)])


def probability(log_odds: Floats) -> Floats:
    """The probabilities of these log odds."""
    result: Floats = 1 / (1 + np.exp(-np.clip(log_odds, -30, 30)))
    return result
