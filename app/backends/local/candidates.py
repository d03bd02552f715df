"""Spans that may be mentions: what the CRF gives a chance, and what follows from it in a document.

What was found once may be meant wherever it stands again; a short form may be what its long form
is, and the other way round, however improbable their own sentences make it.
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

# The least chance of a candidate, and of one that others follow from.
_LEAST = 0.01
_SOURCE = 0.3
_SHORTEST_REPEAT = 2


@dataclass(frozen=True, slots=True)
class Candidates:
    """Parallel arrays, one entry a span, sorted by `start`, then `end`, then `kind`.

    Tokens are numbered through all readings of a prediction; `reading` is the number of the one
    they are in. `kind` is an index into MENTION_TYPES. `chance` is what the CRF gives to exactly
    this span; 0 for those that were added because of others.
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
    columns = _probable(readings, prediction, marginals)
    bounds = prediction.bounds
    edges = np.searchsorted(columns[0], [first for first, _ in bounds]).tolist()
    starts, ends, kinds, chances = (column.tolist() for column in columns)
    added: list[tuple[int, int, int]] = []
    for reading, (first, _), low, high in zip(
        readings, bounds, edges, [*edges[1:], len(starts)], strict=True
    ):
        known = {
            (starts[row] - first, ends[row] - first, kinds[row]): chances[row]
            for row in range(low, high)
        }
        implied = {*_repeats(reading, known), *_abbreviations(reading, known)}
        added += [
            (first + start, first + end, kind)
            for start, end, kind in sorted(implied - known.keys())
        ]
    more = np.array(added, np.intp).reshape(-1, 3).T
    start, end, kind = (
        np.concatenate([old, new]) for old, new in zip(columns[:3], more, strict=True)
    )
    chance = np.concatenate([columns[3], np.zeros(len(added))])
    order = np.lexsort((kind, end, start))
    number = np.searchsorted([first for first, _ in bounds], start[order], side="right") - 1
    return Candidates(number, start[order], end[order], kind[order], chance[order])


def _probable(
    readings: Sequence[Reading], prediction: Prediction, marginals: Marginals
) -> tuple[Ints, Ints, Ints, Floats]:
    """Starts, ends, kinds and chances of the spans that the CRF gives a chance, sorted."""
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
    return start[order], end[order], kinds[order], np.minimum(chance[order], 1.0)


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


# Spans of a reading as (start, end, kind), with their chances.
_Known = dict[tuple[int, int, int], float]


def _repeats(reading: Reading, known: _Known) -> Iterator[tuple[int, int, int]]:
    """Wherever the words of a likely mention stand, in any case."""
    best: dict[tuple[str, ...], tuple[float, int]] = {}
    for (start, end, kind), chance in known.items():
        if chance > _SOURCE:
            words = tuple(reading.lower[start:end])
            best[words] = max(best.get(words, (0.0, 0)), (chance, kind))
    for words, (_, kind) in best.items():
        if len(words) > 1 or len(words[0]) >= _SHORTEST_REPEAT:
            for start, end in reading.places_of_any_case(words):
                yield start, end, kind


def _abbreviations(reading: Reading, known: _Known) -> Iterator[tuple[int, int, int]]:
    """Short forms of a likely long form, and the long form of a likely short form."""
    for short, definition in reading.definitions.items():
        places = reading.places(short)
        for kind in range(len(MENTION_TYPES)):
            if known.get((*definition.long, kind), 0.0) > _SOURCE:
                for place in places:
                    yield *place, kind
            if any(known.get((*place, kind), 0.0) > _SOURCE for place in places):
                yield *definition.long, kind
