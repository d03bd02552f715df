"""Boosted trees learn what they should, the same way each time."""

import numpy as np

from app.backends.local.boosting import Boosting, BoostingOptions

_RANDOM = np.random.default_rng(1)
_TABLE = _RANDOM.normal(size=(400, 4))
# Neither column tells anything alone: only a tree of two levels can learn it.
_ANSWERS = ((_TABLE[:, 1] > 0) ^ (_TABLE[:, 3] > 0.5)).astype(float)
_OPTIONS = BoostingOptions(trees=60, rate=0.2, columns=1.0)


def test_learns_what_only_two_columns_together_tell() -> None:
    log_odds = Boosting.train(_TABLE, _ANSWERS, _OPTIONS).log_odds(_TABLE)
    assert ((log_odds > 0) == (_ANSWERS > 0)).mean() > 0.95


def test_generalises_to_rows_it_has_not_seen() -> None:
    boosting = Boosting.train(_TABLE[:300], _ANSWERS[:300], _OPTIONS)
    assert ((boosting.log_odds(_TABLE[300:]) > 0) == (_ANSWERS[300:] > 0)).mean() > 0.85


def test_is_no_surer_than_the_data() -> None:
    """More trees do not overshoot: each corrects what all before it have said."""
    table = np.repeat([0.0, 1.0], 200)[:, None]
    answers = np.concatenate([np.arange(200) < 140, np.arange(200) < 60]).astype(float)
    options = BoostingOptions(trees=300, rows=1.0, columns=1.0)
    log_odds = Boosting.train(table, answers, options).log_odds(np.array([[0.0], [1.0]]))
    assert np.allclose(1 / (1 + np.exp(-log_odds)), [0.7, 0.3], atol=0.02)


def test_same_seed_same_trees_other_seed_others() -> None:
    same = [Boosting.train(_TABLE, _ANSWERS, BoostingOptions(seed=s)) for s in (5, 5, 6)]
    first, second, third = (each.log_odds(_TABLE) for each in same)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, third)


def test_bags_are_averaged_not_added() -> None:
    """Without anything left to chance all bags are the same, and so is their mean."""
    one, three = (
        Boosting.train(
            _TABLE, _ANSWERS, BoostingOptions(trees=20, bags=bags, rows=1.0, columns=1.0)
        ).log_odds(_TABLE)
        for bags in (1, 3)
    )
    assert np.allclose(one, three)


def test_state_holds_everything() -> None:
    boosting = Boosting.train(_TABLE, _ANSWERS, _OPTIONS)
    again = Boosting.from_state(boosting.state())
    assert np.array_equal(again.log_odds(_TABLE), boosting.log_odds(_TABLE))


def test_without_any_use_in_the_columns_answers_with_the_base_rate() -> None:
    table = np.ones((90, 2))
    answers = np.array([1.0] * 30 + [0.0] * 60)
    log_odds = Boosting.train(table, answers, BoostingOptions(rows=1.0)).log_odds(table)
    assert np.allclose(1 / (1 + np.exp(-log_odds)), 1 / 3, atol=0.01)


def test_one_row_and_no_row_do_no_harm() -> None:
    for rows in (0, 1):
        boosting = Boosting.train(np.zeros((rows, 2)), np.zeros(rows), BoostingOptions(trees=3))
        assert boosting.log_odds(np.zeros((2, 2))).shape == (2,)
