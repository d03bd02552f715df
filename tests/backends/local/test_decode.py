"""Viterbi and forward-backward agree with trying every label sequence."""

from collections.abc import Sequence
from itertools import pairwise, product

import numpy as np
import pytest

from app.backends.local.decode import Batch, Floats, forward_backward, viterbi

SEQUENCES = [(0, 3), (3, 4), (4, 9), (9, 12)]
LABELS = 3
Model = tuple[Floats, Floats]


@pytest.fixture
def model() -> Model:
    random = np.random.default_rng(7)
    return random.normal(size=(12, LABELS)) * 2, random.normal(size=(LABELS, LABELS)) * 2


def weigh(model: Model, start: int, labels: Sequence[int]) -> float:
    emissions, transitions = model
    score = sum(emissions[start + i, label] for i, label in enumerate(labels))
    return float(score + sum(transitions[before, after] for before, after in pairwise(labels)))


def test_viterbi_finds_the_best_of_all_sequences(model: Model) -> None:
    labels = viterbi(model[0], model[1], Batch.of(SEQUENCES))
    for start, end in SEQUENCES:
        every = product(range(LABELS), repeat=end - start)
        best = max(every, key=lambda each: weigh(model, start, each))
        assert tuple(labels[start:end]) == best


def test_the_probability_of_a_path_is_its_share_of_all_sequences(model: Model) -> None:
    marginals = forward_backward(model[0], model[1], Batch.of(SEQUENCES))
    for start, end in SEQUENCES:
        every = list(product(range(LABELS), repeat=end - start))
        weights = np.exp([weigh(model, start, each) for each in every])
        for at in range(end - start):
            for length in range(1, end - start - at + 1):
                path = (2, 0, 1, 1, 2)[:length]
                share = sum(
                    weight
                    for each, weight in zip(every, weights, strict=True)
                    if each[at : at + length] == path
                )
                assert marginals.path(start + at, path) == pytest.approx(share / weights.sum())


def test_enormous_scores_do_not_overflow() -> None:
    emissions = np.array([[0.0, 900.0], [-900.0, 0.0], [3.0, 0.0]], np.float32)
    zeros = np.zeros((2, 2), np.float32)
    marginals = forward_backward(emissions, zeros, Batch.of([(0, 3)]))
    assert marginals.path(0, [1, 1]) == pytest.approx(1.0)
    assert marginals.path(2, [0]) == pytest.approx(1 / (1 + np.exp(-3)))
    apart = np.array([[900.0, 0.0], [0.0, -900.0]], np.float32)
    assert np.isfinite(forward_backward(emissions, apart, Batch.of([(0, 3)])).backward).all()


def test_nothing_is_decoded_where_nothing_is() -> None:
    none = np.zeros((0, LABELS))
    batch = Batch.of([])
    assert len(viterbi(none, np.zeros((LABELS, LABELS)), batch)) == 0
    assert len(forward_backward(none, np.zeros((LABELS, LABELS)), batch).forward) == 0
