"""Probabilities mean what they say on data that was held out, and precision can be asked for."""

import numpy as np
import pytest

from app.backends.local.calibration import Calibration, calibration_error, cross_fitted


def overconfident(size: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Scores whose true probability is their square."""
    draw = np.random.default_rng(7)
    scores = draw.random(size)
    return scores, draw.random(size) < scores**2


def test_an_overconfident_score_becomes_a_probability() -> None:
    """The error of the raw scores is large, that of the calibrated ones small on other data."""
    scores, right = overconfident()
    calibrated = cross_fitted(scores, right)
    assert calibration_error(scores, right) > 0.1
    assert calibration_error(calibrated, right) < 0.04
    map_ = Calibration.fit(scores, right)
    assert map_.probability(0.5) == pytest.approx(0.25, abs=0.06)


def test_order_is_kept() -> None:
    """A higher score never becomes a lower probability."""
    scores, right = overconfident(500)
    probabilities = Calibration.fit(scores, right).apply(np.linspace(0, 1, 101))
    assert (np.diff(probabilities) >= 0).all()


def test_error_by_hand() -> None:
    """Two bins: (0.85 + 0.95) against 1 right, and 0.15 against 1: (0.8 + 0.85) / 3."""
    assert calibration_error([0.85, 0.85, 0.15], [1, 0, 1]) == pytest.approx((0.7 + 0.85) / 3)
    assert calibration_error([], []) == 0


def test_a_precision_is_reached_by_its_threshold() -> None:
    """Answers at or above the threshold are right as often as was asked; higher asks for more."""
    scores, right = overconfident()
    map_ = Calibration.fit(scores, right)
    probabilities = map_.apply(scores)
    thresholds = []
    for wanted in (0.4, 0.6, 0.8):
        threshold = map_.threshold_for(wanted)
        assert threshold is not None
        assert right[probabilities >= threshold].mean() >= wanted - 1e-9
        thresholds.append(threshold)
    assert thresholds == sorted(thresholds)


def test_equal_scores_are_one_block() -> None:
    """What cannot be told apart gets one probability: the share of right ones."""
    map_ = Calibration.fit([0.9] * 50, [1] * 40 + [0] * 10)
    assert map_.probability(0.9) == pytest.approx(0.8)
    assert map_.probability(0.2) == pytest.approx(0.8)
    assert map_.threshold_for(0.8) == pytest.approx(0.8)
    assert map_.threshold_for(0.9) is None


def test_without_answers_scores_stay() -> None:
    """Nothing is known of them: they pass through."""
    map_ = Calibration.fit([], [])
    assert map_.probability(0.3) == pytest.approx(0.3)
    assert map_.threshold_for(0.5) is None


def test_state_round_trip() -> None:
    """What is stored answers as what was learnt."""
    map_ = Calibration.fit(*overconfident(300))
    again = Calibration.from_state(map_.state())
    assert again.apply([0.1, 0.7]).tolist() == map_.apply([0.1, 0.7]).tolist()
    assert again.threshold_for(0.5) == map_.threshold_for(0.5)
