"""The relation model's second stage: trees, and what they answer for texts they have not seen.

Trees learn from given and found mentions at once, a column telling them apart: found ones alone
are too few relations, given ones alone too clean.
"""

import random
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.backends.local.boosting import Boosting, BoostingOptions
from app.backends.local.pair_table import probability
from app.backends.local.relation_choice import Answered, Truths

Floats = NDArray[np.float64]

# With fewer pairs than this, trees would learn noise: the first stage stands alone.
_LEAST_PAIRS = 300
_BAGS = 3
# Growing trees takes long: they are held out in fewer parts than the first stage.
_MOST_FOLDS = 5


class Pairs(NamedTuple):
    """The pairs of one text: a row each of the second stage's input, and the truth."""

    table: Floats
    truths: Truths


class Unseen(NamedTuple):
    """One document, read by a first stage that has not seen it; None where it has no pairs."""

    given: Pairs | None
    found: Pairs | None


class Answers(NamedTuple):
    """The answers for all documents that have pairs, by trees that have not seen them."""

    given: list[Answered]
    found: list[Answered]


def second_stage(
    unseen: Sequence[Unseen], folds: int, seed: int
) -> tuple[Boosting | None, Answers]:
    """The trees, if there is enough to grow them, and what they would answer."""
    grown = [each for each in unseen if each.given or each.found]
    # Trees are judged on documents they were not grown on: there must be others.
    if len(grown) < 2 or sum(len(each.table) for each in _all(grown)) < _LEAST_PAIRS:
        return None, _answers(grown, None)
    answers = Answers([], [])
    for fold in folds_of(len(grown), min(folds, _MOST_FOLDS), seed + 1):
        held = set(fold)
        boosting = _trees([each for index, each in enumerate(grown) if index not in held], seed)
        said = _answers([grown[index] for index in fold], boosting)
        answers.given.extend(said.given)
        answers.found.extend(said.found)
    return _trees(grown, seed), answers


def answer(table: Floats, boosting: Boosting | None) -> Floats:
    """The probabilities of the pairs of one text; without trees, as the first stage has it."""
    return probability(boosting.log_odds(table) if boosting else table[:, 0])


def folds_of(size: int, folds: int, seed: int) -> list[list[int]]:
    """The numbers up to `size`, dealt out at random."""
    order = list(range(size))
    random.Random(seed).shuffle(order)  # noqa: S311 - a split, not a secret
    return [sorted(order[fold::folds]) for fold in range(folds)]


def _all(unseen: Sequence[Unseen]) -> list[Pairs]:
    return [pairs for each in unseen for pairs in each if pairs]


def _trees(unseen: Sequence[Unseen], seed: int) -> Boosting:
    pairs = _all(unseen)
    table = np.concatenate([each.table for each in pairs])
    right = np.concatenate([each.truths.right for each in pairs]).astype(np.float64)
    return Boosting.train(table, right, BoostingOptions(bags=_BAGS, seed=seed))


def _answers(unseen: Sequence[Unseen], boosting: Boosting | None) -> Answers:
    given, found = (
        [Answered(answer(pairs.table, boosting), pairs.truths) for pairs in kind if pairs]
        for kind in ([each.given for each in unseen], [each.found for each in unseen])
    )
    return Answers(given, found)
