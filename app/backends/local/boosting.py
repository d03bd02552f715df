"""Gradient-boosted trees for two classes, small enough to be read.

Trees of one depth, grown level by level on binned columns with the second-order gain of XGBoost
(Chen and Guestrin, 2016, equations 5 to 7) on logistic loss, each on a random part of rows and
columns. The same input and seed give the same trees.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_BINS = 32


@dataclass(frozen=True, slots=True)
class BoostingOptions:
    """`least_weight`: how much of the loss's second derivative a leaf must hold.

    `bags` ensembles of so many `trees` are grown apart and averaged: what each owes to its random
    rows and columns evens out.
    """

    trees: int = 150
    bags: int = 1
    depth: int = 3
    rate: float = 0.05
    l2: float = 5.0
    least_weight: float = 5.0
    rows: float = 0.7
    columns: float = 0.3
    seed: int = 0


class Boosting:
    """A trained ensemble.

    `columns` and `cuts` are (trees, 2**depth - 1), inner nodes level by level: go right where the
    column's bin is above the cut. `leaves` (trees, 2**depth) are log odds added to `base`.
    `edges` (columns, bins - 1), padded with infinity, are the borders of the bins.
    """

    def __init__(
        self, base: float, edges: Floats, columns: Integers, cuts: Integers, leaves: Floats
    ) -> None:
        self._base = base
        self._edges = edges
        self._columns = columns
        self._cuts = cuts
        self._leaves = leaves

    @classmethod
    def train(cls, table: Floats, answers: Floats, options: BoostingOptions) -> Self:
        """Learn from a (rows, columns) table and each row's answer, 0.0 or 1.0."""
        random = np.random.default_rng(options.seed)
        edges = _edges(table)
        bins = _binned(table, edges)
        mean = (answers.sum() + 0.5) / (len(answers) + 1)
        base = float(np.log(mean / (1 - mean)))
        trees = options.bags * options.trees
        columns = np.zeros((trees, 2**options.depth - 1), np.int64)
        cuts = np.zeros_like(columns)
        leaves = np.zeros((trees, 2**options.depth))
        for tree in range(trees):
            if tree % options.trees == 0:
                margin = np.full(len(table), base)
            columns[tree], cuts[tree], leaves[tree], node = _grow(
                bins, answers, margin, options, random
            )
            margin += leaves[tree, node]
        leaves /= options.bags
        return cls(base, edges, columns, cuts, leaves)

    def log_odds(self, table: Floats) -> Floats:
        """The log odds of each row of a (rows, columns) table."""
        # Every inner node is asked, a byte an answer: quicker than to walk down, asking few.
        bins = np.ascontiguousarray(_binned(table, self._edges).T, np.uint8)
        trees, inner = self._columns.shape
        cuts = self._cuts.reshape(-1, 1).astype(np.uint8)
        right = (bins.take(self._columns.ravel(), axis=0) > cuts).reshape(trees, inner, len(table))
        turns: list[NDArray[np.bool_]] = []
        node = np.zeros((trees, len(table)), np.uint16)
        first = 0
        while first < inner:
            answers = right[:, first : 2 * first + 1]
            for turn in turns:
                half = answers.shape[1] // 2
                answers = np.where(turn[:, None], answers[:, half:], answers[:, :half])
            turns.append(answers[:, 0])
            node = 2 * node + turns[-1]
            first = 2 * first + 1
        leaves = self._leaves.ravel().take(np.arange(trees)[:, None] * (inner + 1) + node)
        total: Floats = self._base + leaves.sum(axis=0)
        return total

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Everything learnt, as arrays."""
        return {
            "base": np.array([self._base]),
            "edges": self._edges,
            "columns": self._columns.astype(np.int32),
            "cuts": self._cuts.astype(np.int32),
            "leaves": self._leaves,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[np.generic]]) -> Self:
        """The inverse of `state`."""
        return cls(
            float(state["base"].astype(np.float64)[0]),
            state["edges"].astype(np.float64),
            state["columns"].astype(np.int64),
            state["cuts"].astype(np.int64),
            state["leaves"].astype(np.float64),
        )


def _edges(table: Floats) -> Floats:
    """Borders between bins: half-way between neighbouring values, or between quantiles."""
    edges = np.full((table.shape[1], _BINS - 1), np.inf)
    for column, border in zip(table.T, edges, strict=True):
        values = np.unique(column)
        if len(values) > _BINS:
            values = np.unique(np.quantile(column, np.linspace(0, 1, _BINS)))
        between = (values[1:] + values[:-1]) / 2
        border[: len(between)] = between
    return edges


def _binned(table: Floats, edges: Floats) -> Integers:
    bins = np.empty(table.shape, np.int64)
    for index, border in enumerate(edges):
        bins[:, index] = border.searchsorted(table[:, index])
    return bins


def _grow(
    bins: Integers,
    answers: Floats,
    margin: Floats,
    options: BoostingOptions,
    random: np.random.Generator,
) -> tuple[Integers, Integers, Floats, Integers]:
    """One tree for the margins so far: columns, cuts, leaves, and the leaf each row falls into."""
    probability = 1 / (1 + np.exp(-margin))
    gradient, weight = probability - answers, probability * (1 - probability)
    rows = np.flatnonzero(random.random(len(bins)) < options.rows)
    pool = np.flatnonzero(random.random(bins.shape[1]) < options.columns)
    node = np.zeros(len(bins), np.int64)
    columns, cuts = [], []
    for depth in range(options.depth):
        width = 2**depth
        column, cut = _best_cuts(bins, gradient, weight, rows, pool, node, width, options)
        columns.append(column)
        cuts.append(cut)
        node = 2 * node + (bins[np.arange(len(bins)), column[node]] > cut[node])
    size = 2**options.depth
    pull = np.bincount(node[rows], gradient[rows], size)
    leaves = -options.rate * pull / (np.bincount(node[rows], weight[rows], size) + options.l2)
    return np.concatenate(columns), np.concatenate(cuts), leaves, node


def _best_cuts(
    bins: Integers,
    gradient: Floats,
    weight: Floats,
    rows: Integers,
    pool: Integers,
    node: Integers,
    width: int,
    options: BoostingOptions,
) -> tuple[Integers, Integers]:
    """For each of `width` nodes the column and cut of most gain; without gain all go left."""
    if not len(pool):
        return np.zeros(width, np.int64), np.full(width, _BINS)
    cell = (node[rows, None] * len(pool) + np.arange(len(pool))) * _BINS + bins[np.ix_(rows, pool)]
    shape = (width, len(pool), _BINS)

    def sums(values: Floats) -> Floats:
        each = np.repeat(values[rows], len(pool))
        total: Floats = np.bincount(cell.ravel(), each, np.prod(shape)).reshape(shape).cumsum(2)
        return total

    left, left_weight = sums(gradient), sums(weight)
    right = left[:, :, -1:] - left
    right_weight = left_weight[:, :, -1:] - left_weight
    gain = left**2 / (left_weight + options.l2) + right**2 / (right_weight + options.l2)
    gain -= left[:, :, -1:] ** 2 / (left_weight[:, :, -1:] + options.l2)
    gain[(left_weight < options.least_weight) | (right_weight < options.least_weight)] = 0
    flat = gain.reshape(width, -1)
    best = flat.argmax(axis=1)
    worth = flat[np.arange(width), best] > 1e-6
    column = np.where(worth, pool[best // _BINS], 0)
    return column, np.where(worth, best % _BINS, _BINS)
