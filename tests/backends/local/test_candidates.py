"""Candidates are the spans with a chance, computed as the CRF would."""

from itertools import accumulate, pairwise

import numpy as np
import pytest

from app.backends.local.candidates import Candidates, find
from app.backends.local.decode import Batch, Marginals
from app.backends.local.labels import OUTSIDE, Span, span_labels
from app.backends.local.predict import Prediction
from app.backends.local.reading import Reading, read
from app.backends.local.weights import Weights
from app.corpora.documents import MENTION_TYPES

LABELS = [OUTSIDE, *(f"{letter}-{type_}" for type_ in MENTION_TYPES for letter in "BILU")]


def prediction(
    readings: list[Reading], emissions: np.ndarray, transitions: np.ndarray | None = None
) -> Prediction:
    """What a CRF with these scores says."""
    if transitions is None:
        transitions = np.zeros((len(LABELS), len(LABELS)))
    weights = Weights(
        LABELS, [], np.zeros((0, len(LABELS)), np.float32), transitions.astype(np.float32)
    )
    bounds = list(pairwise(accumulate((len(each.words) for each in readings), initial=0)))
    sequences = [
        (first + start, first + end)
        for each, (first, _) in zip(readings, bounds, strict=True)
        for start, end in each.sequences
    ]
    return Prediction(weights, bounds, Batch.of(sequences), emissions.astype(np.float32))


def sure(readings: list[Reading], *mentions: tuple[int, Span]) -> np.ndarray:
    """Emissions of a CRF that is sure of these mentions (each in its reading), and of no others."""
    firsts = list(accumulate((len(each.words) for each in readings), initial=0))
    scores = np.zeros((firsts[-1], len(LABELS)))
    scores[:, 0] = 15
    for number, span in mentions:
        for token, label in enumerate(span_labels(span), firsts[number] + span.start):
            scores[token, LABELS.index(label)] = 30
    return scores


def found(readings: list[Reading], said: Prediction) -> list[tuple[int, Span, float]]:
    """The candidates as (reading, span, chance)."""
    candidates = find(readings, said, said.marginals())
    spans = candidates.spans([first for first, _ in said.bounds])
    return list(zip(candidates.reading.tolist(), spans, candidates.chance.tolist(), strict=True))


def every_span(reading: Reading) -> list[Span]:
    return [
        Span(start, end, type_)
        for low, high in reading.sequences
        for start in range(low, high)
        for end in range(start + 1, high + 1)
        for type_ in MENTION_TYPES
    ]


def chance(marginals: Marginals, first: int, span: Span) -> float:
    labels = [LABELS.index(label) for label in span_labels(span)]
    return marginals.path(first + span.start, labels)


@pytest.mark.parametrize("seed", range(4))
def test_every_span_with_a_chance_is_found_and_no_other(seed: int) -> None:
    random = np.random.default_rng(seed)
    readings = [read("A b c d. E f g."), read("H"), read("I j k l m.")]
    size = sum(len(each.words) for each in readings)
    said = prediction(
        readings,
        1.5 * random.normal(size=(size, len(LABELS))),
        1.5 * random.normal(size=(len(LABELS), len(LABELS))),
    )
    marginals = said.marginals()
    expected = {
        (number, span): value
        for number, (reading, (first, _)) in enumerate(zip(readings, said.bounds, strict=True))
        for span in every_span(reading)
        if (value := chance(marginals, first, span)) > 0.01
    }
    got = {(number, span): value for number, span, value in found(readings, said)}
    assert got.keys() == expected.keys() != set()
    assert got == pytest.approx(expected)


def test_texts_without_words_have_no_candidates() -> None:
    readings = [read(""), read("  ")]
    assert found(readings, prediction(readings, np.zeros((0, len(LABELS))))) == []


def test_edges_part_the_candidates_by_reading() -> None:
    two = np.array([0, 0, 2])
    candidates = Candidates(two, two, two + 1, two * 0, two * 0.5)
    assert candidates.edges(4) == [0, 2, 2, 3, 3]
