"""Logistic regression for sparse rows, trained by L-BFGS.

The limited-memory quasi-Newton method of Liu and Nocedal, "On the limited memory BFGS method for
large scale optimization", 1989, with steps that are halved until the loss falls enough.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ITERATIONS = 300
_MEMORY = 6
# Trained once the loss falls by less than this part of itself.
_LEAST_GAIN = 1e-5
# A step must bring this part of what the slope promises (Armijo's condition).
_ENOUGH = 1e-4
_SHORTEST = 1e-8


class _Loss:
    """The loss of rows as coordinates (row, column, value), and its slope, for given weights."""

    def __init__(
        self, rows: Iterable[tuple[Mapping[int, float], bool]], size: int, penalty: float
    ) -> None:
        lengths: list[int] = []
        columns: list[int] = []
        values: list[float] = []
        right: list[bool] = []
        for features, answer in rows:
            lengths.append(len(features))
            columns.extend(features.keys())
            values.extend(features.values())
            right.append(answer)
        self.right = np.array(right, np.float64)
        self._row = np.repeat(np.arange(len(lengths)), lengths)
        self._column = np.array(columns, np.int64)
        self._value = np.array(values, np.float64)
        self._size = size
        self._penalty = penalty

    def at(self, weights: Floats) -> tuple[float, Floats]:
        """The loss and its gradient."""
        added = weights[self._column] * self._value
        log_odds = np.bincount(self._row, added, len(self.right))
        missed = np.logaddexp(0, np.where(self.right > 0, -log_odds, log_odds)).sum()
        wrong = np.exp(-np.logaddexp(0, -log_odds)) - self.right
        slope = np.bincount(self._column, wrong[self._row] * self._value, self._size)
        loss = float(missed + self._penalty / 2 * (weights @ weights))
        return loss, slope + self._penalty * weights


def train_maxent(rows: Iterable[tuple[Mapping[int, float], bool]], size: int, c2: float) -> Floats:
    """The weights of features 0 to size - 1, from rows of ({feature: value}, answer).

    `c2` is the L2 coefficient, the inverse of the usual C. A feature never seen weighs 0, and so
    does every feature if all answers are the same or there are none. There is no free intercept:
    give every row a constant feature.
    """
    loss = _Loss(rows, size, c2)
    weights = np.zeros(size)
    if len(np.unique(loss.right)) < 2:
        return weights
    value, slope = loss.at(weights)
    history: deque[tuple[Floats, Floats]] = deque(maxlen=_MEMORY)
    for _ in range(_ITERATIONS):
        direction = _direction(slope, history)
        promised = float(direction @ slope)
        # The first direction is the bare slope, of any length.
        step = 1.0 if history else 1 / max(1.0, float(np.sqrt(slope @ slope)))
        while True:
            moved = weights + step * direction
            new_value, new_slope = loss.at(moved)
            if new_value <= value + _ENOUGH * step * promised:
                break
            step /= 2
            if step < _SHORTEST:
                return weights
        if (moved - weights) @ (new_slope - slope) > 0:
            history.append((moved - weights, new_slope - slope))
        gain = value - new_value
        weights, value, slope = moved, new_value, new_slope
        if gain <= _LEAST_GAIN * value:
            break
    return weights


def _direction(slope: Floats, history: Sequence[tuple[Floats, Floats]]) -> Floats:
    """Downhill, bent by the curvature seen in the last (move, change of slope), oldest first."""
    direction = -slope
    shares = []
    for move, change in reversed(history):
        share = (move @ direction) / (move @ change)
        shares.append(share)
        direction = direction - share * change
    if history:
        move, change = history[-1]
        direction = direction * ((move @ change) / (change @ change))
    for (move, change), share in zip(history, reversed(shares), strict=True):
        direction = direction + (share - (change @ direction) / (move @ change)) * move
    return direction
