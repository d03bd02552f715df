"""The CRF of single items is the logistic regression it is said to be."""

import numpy as np
import pytest

from app.backends.local.maxent import train_maxent

_RANDOM = np.random.default_rng(3)
_TABLE = np.column_stack([np.ones(200), _RANDOM.normal(size=(200, 3))])
# Seen with one answer only: its log odds are still shared by two weights.
_TABLE[:, 3] = np.arange(200) < 3
_TRUE = np.array([-0.5, 1.0, -2.0, 30.0])
_ANSWERS = _RANDOM.random(200) < 1 / (1 + np.exp(-_TABLE @ _TRUE))


def _newton(c: float) -> np.ndarray:
    """The minimum of |w|^2 / 2 + C * (sum of logistic losses), by Newton's method."""
    weights = np.zeros(_TABLE.shape[1])
    for _ in range(50):
        probability = 1 / (1 + np.exp(-_TABLE @ weights))
        gradient = weights + c * _TABLE.T @ (probability - _ANSWERS)
        curvature = _TABLE.T @ (_TABLE * (probability * (1 - probability))[:, None])
        weights -= np.linalg.solve(np.eye(len(weights)) + c * curvature, gradient)
    return weights


@pytest.mark.parametrize("c2", [0.5, 8.0])
def test_c2_is_the_inverse_of_the_usual_c(c2: float) -> None:
    rows = [
        ({index: value for index, value in enumerate(row.tolist()) if value}, bool(answer))
        for row, answer in zip(_TABLE, _ANSWERS, strict=True)
    ]
    assert {answer for values, answer in rows if 3 in values} == {True}
    weights = train_maxent(rows, 4, c2)
    assert weights == pytest.approx(_newton(1 / c2), abs=0.02)


def test_nothing_to_tell_apart_gives_no_weights() -> None:
    assert not train_maxent([], 3, 1.0).any()
    assert not train_maxent([({0: 1.0}, True)] * 5, 3, 1.0).any()


def test_a_feature_never_seen_weighs_nothing() -> None:
    rows = [({0: 1.0}, True), ({1: 1.0}, False)] * 5
    weights = train_maxent(rows, 3, 1.0)
    assert weights[0] > 0 > weights[1]
    assert weights[2] == 0
