"""Spans that may be mentions: all to which the CRF gives a chance.

What only the document speaks for (the same words were found elsewhere) is no candidate: in cross-
validation that found nothing more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.backends.local.decode import Marginals
from app.backends.local.labels import Span
from app.backends.local.predict import Prediction
from app.backends.local.reading import Reading
from app.corpora.documents import MENTION_TYPES

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# The least chance of a candidate.
_LEAST = 0.01


@dataclass(frozen=True, slots=True)
class Candidates:
    """Parallel arrays, one entry a span, sorted by `start`, then `end`, then `kind`.

    Tokens are numbered through all readings of a prediction; `reading` is the number of the one
    they are in. `kind` is an index into MENTION_TYPES. `chance` is what the CRF gives to exactly
    this span.
    """

    reading: Ints
    start: Ints
    end: Ints
    kind: Ints
    chance: Floats

    def edges(self, readings: int) -> list[int]:
        """Where the entries of each reading begin, and at last where all end."""
        edges: list[int] = np.searchsorted(self.reading, np.arange(readings + 1)).tolist()
        return edges

    def spans(self, firsts: Sequence[int]) -> list[Span]:
        """The spans in tokens of their own readings, which begin at the tokens `firsts`."""
        first = np.array(firsts, np.intp)[self.reading]
        return [
            Span(start, end, MENTION_TYPES[kind])
            for start, end, kind in zip(
                (self.start - first).tolist(),
                (self.end - first).tolist(),
                self.kind.tolist(),
                strict=True,
            )
        ]


def find(readings: Sequence[Reading], prediction: Prediction, marginals: Marginals) -> Candidates:
    """The candidates of all readings."""
    numbers = {label: number for number, label in enumerate(prediction.weights.labels)}
    stops = _stops(readings, prediction)
    parts = [(np.zeros(0, np.intp), np.zeros(0, np.intp), 0, np.zeros(0))]
    for kind, type_ in enumerate(MENTION_TYPES):
        begin, inside, last, unit = (numbers.get(f"{letter}-{type_}") for letter in "BILU")
        if unit is not None:
            chance = marginals.forward[:, unit] * marginals.backward[:, unit]
            (tokens,) = np.nonzero(chance > _LEAST)
            parts.append((tokens, tokens + 1, kind, chance[tokens]))
        if begin is not None and last is not None:
            for start, end, chance in _longer(marginals, stops, begin, inside, last):
                parts.append((start, end, kind, chance))
    start, end, chance = (np.concatenate([part[i] for part in parts]) for i in (0, 1, 3))
    kinds = np.repeat([part[2] for part in parts], [len(part[0]) for part in parts])
    order = np.lexsort((kinds, end, start))
    firsts = [first for first, _ in prediction.bounds]
    reading = np.searchsorted(firsts, start[order], side="right") - 1
    return Candidates(
        reading, start[order], end[order], kinds[order], np.minimum(chance[order], 1.0)
    )


def _longer(
    marginals: Marginals, stops: Ints, begin: int, inside: int | None, last: int
) -> Iterator[tuple[Ints, Ints, Floats]]:
    """Starts, ends and chances of spans of two tokens, of three, and so on.

    All that have begun go on together, a token at a time, as long as they have a chance.
    """
    forward, backward = marginals.forward, marginals.backward
    steps, potentials = marginals.steps, marginals.potentials
    alive = forward[:, begin] * backward[:, begin] > _LEAST
    alive[stops == np.arange(1, len(stops) + 1)] = False
    (start,) = np.nonzero(alive)
    at, mass, label = start + 1, forward[start, begin], begin
    while len(start):
        chance = mass * potentials[label, last] * steps[at, last] * backward[at, last]
        ends = chance > _LEAST
        yield start[ends], at[ends] + 1, chance[ends]
        if inside is None:
            return
        mass = mass * potentials[label, inside] * steps[at, inside]
        goes_on = (mass * backward[at, inside] > _LEAST) & (at + 1 < stops[at])
        start, at, mass, label = start[goes_on], at[goes_on] + 1, mass[goes_on], inside


def _stops(readings: Sequence[Reading], prediction: Prediction) -> Ints:
    """For each token where its sequence ends."""
    ranges = [
        (first + end, end - start)
        for reading, (first, _) in zip(readings, prediction.bounds, strict=True)
        for start, end in reading.sequences
    ]
    ends, lengths = np.array(ranges, np.intp).reshape(-1, 2).T
    return np.repeat(ends, lengths)
