"""Two CRFs become one that says what both say, whatever the scale of the second."""

import numpy as np
import pytest

from app.backends.local.blending import blended
from app.backends.local.weights import Weights

MAIN = Weights(
    ["O", "U-Disease"],
    ["a", "b"],
    np.array([[1, -1], [0, 2]], np.float32),
    np.array([[1, 0], [0, -1]], np.float32),
)


def other(scale: float) -> Weights:
    """Of the same labels in another order, with a feature in common."""
    return Weights(
        ["U-Disease", "O"],
        ["b", "c"],
        np.array([[4, 0], [0, 6]], np.float32) * np.float32(scale),
        np.array([[-2, 0], [0, 2]], np.float32) * np.float32(scale),
    )


@pytest.mark.parametrize("scale", [0.01, 1.0, 50.0])
def test_weights_are_added_label_by_label_and_feature_by_feature(scale: float) -> None:
    both = blended(MAIN, other(scale))
    assert both.labels == MAIN.labels
    # The other's transitions spread twice as much: with a share of a half, a quarter is added.
    expected: dict[str, list[float]] = {"a": [1, -1], "b": [0, 3], "c": [1.5, 0]}
    assert list(both.features) == list(expected)
    for found, weights in zip(both.states.tolist(), expected.values(), strict=False):
        assert found == pytest.approx([weight / 2 for weight in weights])
    assert both.transitions.tolist() == pytest.approx(np.array([[0.75, 0], [0, -0.75]]))


def test_what_has_learnt_nothing_changes_nothing() -> None:
    empty = Weights(["O"], [], np.zeros((0, 1), np.float32), np.zeros((1, 1), np.float32))
    assert blended(MAIN, empty) is MAIN
