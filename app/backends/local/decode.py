"""Viterbi and forward-backward of a linear-chain CRF over many sequences at once.

A model's score of a label sequence is the sum of its emissions and of its transitions. The Python
loops run over positions only, each step over all the sequences that are that long.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Batch:
    """Sequences of tokens laid side by side, the longest first.

    `order` are the tokens: first the first of each sequence, then the second of each that has one,
    and so on. `bounds[p]` and `bounds[p + 1]` are where those at position p begin and end.
    `mirror` is for each place in `order` that of the token as far from its sequence's other end.
    """

    order: Ints
    bounds: list[int]
    mirror: Ints

    @classmethod
    def of(cls, sequences: Sequence[tuple[int, int]]) -> "Batch":
        """Lay out token ranges (half open, none empty)."""
        ranges = np.array(sequences, np.intp).reshape(-1, 2)
        lengths = ranges[:, 1] - ranges[:, 0]
        longest_first = np.argsort(-lengths, kind="stable")
        starts = ranges[longest_first, 0]
        positions = np.arange(lengths.max(initial=0))
        alive = np.searchsorted(-lengths[longest_first], -positions, side="left")
        bounds = np.concatenate([[0], alive.cumsum()])
        row = np.arange(bounds[-1]) - np.repeat(bounds[:-1], alive)
        position = np.repeat(positions, alive)
        mirror = bounds[lengths[longest_first][row] - 1 - position] + row
        return cls(starts[row] + position, bounds.tolist(), mirror)

    def moves(self) -> list[tuple[int, int, int]]:
        """From each position to the next: where the former begins, the latter begins and ends."""
        return list(zip(self.bounds, self.bounds[1:], self.bounds[2:], strict=False))


def viterbi(emissions: Floats, transitions: Floats, batch: Batch) -> Ints:
    """The best label of each token: emissions (tokens, labels), transitions (from, to)."""
    scores = emissions[batch.order]
    origins = np.zeros(scores.shape, np.intp)
    incoming = np.ascontiguousarray(transitions.T)
    for before, start, end in batch.moves():
        paths = scores[before : before + end - start, None, :] + incoming
        origins[start:end] = paths.argmax(axis=2)
        scores[start:end] += paths.max(axis=2)
    best = scores.argmax(axis=1)
    # From the last position back, the label at each is the one its successor came from.
    for before, start, end in reversed(batch.moves()):
        rows = np.arange(start, end)
        best[before : before + end - start] = origins[rows, best[start:end]]
    labels: Ints = np.empty_like(best)
    labels[batch.order] = best
    return labels


@dataclass(frozen=True, slots=True)
class Marginals:
    """The distribution over label sequences, as scaled forward and backward messages.

    Scaling after L. R. Rabiner, "A tutorial on hidden Markov models" (1989), section V.A: `forward`
    sums to one over the labels of each token, and `forward * backward` is the marginal.
    """

    forward: Floats
    backward: Floats
    steps: Floats
    potentials: Floats

    def path(self, start: int, labels: Sequence[int]) -> float:
        """The probability that the tokens from `start` on, of one sequence, have these labels."""
        chance = float(self.forward[start, labels[0]])
        for token, (label, following) in enumerate(pairwise(labels), start + 1):
            chance *= float(self.potentials[label, following] * self.steps[token, following])
        return min(1.0, chance * float(self.backward[start + len(labels) - 1, labels[-1]]))


def forward_backward(emissions: Floats, transitions: Floats, batch: Batch) -> Marginals:
    """Messages of every token: emissions (tokens, labels), transitions (from, to)."""
    # The floors keep every message above zero, so that none is divided by nothing.
    potentials = np.exp(np.maximum(transitions - transitions.max(), -100.0), dtype=np.float64)
    ordered = emissions[batch.order].astype(np.float64)
    steps = np.exp(np.maximum(ordered - ordered.max(axis=1, keepdims=True), -500.0))
    # Forward and, from the other ends of the sequences, backward messages side by side.
    messages = np.hstack([steps, steps[batch.mirror]])
    labels = steps.shape[1]
    both, sides = np.zeros((2, 2 * labels, 2 * labels))
    both[:labels, :labels], both[labels:, labels:] = potentials, potentials.T
    sides[:labels, :labels] = sides[labels:, labels:] = 1
    arriving, sums = np.ones_like(messages), np.ones_like(messages)
    first = batch.bounds[1] if len(batch.order) else 0
    for before, start, end in [(0, 0, first), *batch.moves()]:
        message = messages[start:end]
        if start:
            message *= np.dot(messages[before : before + end - start], both, arriving[start:end])
        message /= np.dot(message, sides, sums[start:end])
    forward, backward = messages[:, :labels], arriving[batch.mirror, labels:]
    backward /= (forward * backward).sum(axis=1, keepdims=True)
    steps /= sums[:, :labels]
    place = np.empty_like(batch.order)
    place[batch.order] = np.arange(len(place))
    return Marginals(forward[place], backward[place], steps[place], potentials)
