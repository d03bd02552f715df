"""Viterbi and forward-backward of a linear-chain CRF over many sequences at once.

A model's score of a label sequence is the sum of its emissions and of its transitions. All
functions take the sequences as rows of one matrix, longest first, so that the Python loop runs over
positions only, each step over the sequences still that long.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Batch:
    """Sequences of tokens laid side by side: `rows[t]` are the tokens at position t.

    `rows[t]` has one entry for each sequence longer than t, the sequences in descending length.
    """

    rows: list[Ints]

    @classmethod
    def of(cls, sequences: Sequence[tuple[int, int]]) -> "Batch":
        """Lay out token ranges (half open, none empty)."""
        bounds = np.array(sorted(sequences, key=lambda range_: range_[0] - range_[1]), np.int64)
        bounds = bounds.reshape(-1, 2)
        lengths = bounds[:, 1] - bounds[:, 0]
        longest = int(lengths.max(initial=0))
        alive = np.searchsorted(-lengths, -np.arange(longest), side="left")
        return cls([bounds[:count, 0] + position for position, count in enumerate(alive)])


def viterbi(emissions: Floats, transitions: Floats, batch: Batch) -> Ints:
    """The best label of each token: emissions (tokens, labels), transitions (from, to)."""
    labels = np.zeros(len(emissions), np.int64)
    if not batch.rows:
        return labels
    score = emissions[batch.rows[0]]
    scores, origins = [score], []
    incoming = np.ascontiguousarray(transitions.T)
    for rows in batch.rows[1:]:
        paths = score[: len(rows), None, :] + incoming
        origin = paths.argmax(axis=2)
        score = np.take_along_axis(paths, origin[:, :, None], axis=2)[:, :, 0] + emissions[rows]
        scores.append(score)
        origins.append(origin)
    best = np.empty(0, np.int64)
    for position in range(len(batch.rows) - 1, -1, -1):
        if position + 1 < len(batch.rows):
            best = origins[position][np.arange(len(best)), best]
        ending = scores[position][len(best) :].argmax(axis=1)
        best = np.concatenate([best, ending])
        labels[batch.rows[position]] = best
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
        return chance * float(self.backward[start + len(labels) - 1, labels[-1]])


def forward_backward(emissions: Floats, transitions: Floats, batch: Batch) -> Marginals:
    """Messages of every token: emissions (tokens, labels), transitions (from, to)."""
    highest = transitions.max(initial=0.0)
    potentials = np.exp(transitions - highest)
    steps = np.exp(emissions - emissions.max(axis=1, keepdims=True))
    forward = np.empty_like(steps)
    backward = np.ones_like(steps)
    message = np.empty((0, 0))
    for position, rows in enumerate(batch.rows):
        step = steps[rows]
        message = step if position == 0 else (message[: len(rows)] @ potentials) * step
        scale = message.sum(axis=1, keepdims=True)
        message /= scale
        forward[rows] = message
        steps[rows] = step / scale
    for rows, following in zip(batch.rows[-2::-1], batch.rows[:0:-1], strict=True):
        alive = rows[: len(following)]
        backward[alive] = (steps[following] * backward[following]) @ potentials.T
    return Marginals(forward, backward, steps, potentials)
