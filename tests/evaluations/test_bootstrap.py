"""Comparisons of two models, worked out by hand and by trying everything there is."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.evaluations.bootstrap import Integers, paired


def counts(*documents: tuple[int, int, int]) -> Integers:
    return np.array(documents, dtype=np.int64).reshape(len(documents), 3)


def f1(rows: Integers) -> float:
    tp, fp, fn = (int(each) for each in rows.sum(axis=0))
    return 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 0.0


def p_value_by_hand(baseline: Integers, model: Integers) -> float:
    """The p-value of approximate randomisation, from all swaps one by one."""
    observed = abs(f1(model) - f1(baseline))
    as_large = 0
    for swaps in product((False, True), repeat=len(model)):
        swapped = np.array(swaps)[:, None]
        one, other = np.where(swapped, baseline, model), np.where(swapped, model, baseline)
        as_large += abs(f1(one) - f1(other)) >= observed - 1e-12
    return float(as_large / 2 ** len(model))


def random_counts(documents: int, recall: float, seed: int) -> Integers:
    generator = np.random.default_rng(seed)
    total = np.random.default_rng(0).integers(1, 12, documents)
    tp = generator.binomial(total, recall)
    return np.stack([tp, generator.integers(0, 3, documents), total - tp], axis=1)


def test_a_tiny_case_by_hand() -> None:
    """Two documents: F1 of 2/5 against 1.

    Of the four ways to swap, none and both have a difference of 0.6, one alone of 4/5 - 4/6: half
    of them are as large. Drawing two documents of the two gives the first one twice (2/3 against
    1), the second one twice (0 against 1), or each: the interval is from 1/3 to 1.
    """
    baseline, model = counts((1, 0, 1), (0, 1, 1)), counts((2, 0, 0), (1, 0, 0))
    found = paired(baseline, model)
    assert found.difference == pytest.approx(0.6)
    assert found.low == pytest.approx(1 / 3)
    assert found.high == pytest.approx(1)
    assert found.p_value == 0.5
    assert (found.won, found.lost, found.tied) == (2, 0, 0)


def test_the_interval_is_one_of_95_percent() -> None:
    """Of three documents one alone is drawn once in 27 times: 3.7 %, more than is cut off.

    The first one alone has no difference, the last one alone the greatest: F1 of 0 against 1.
    """
    baseline, model = counts((1, 0, 0), (1, 1, 0), (0, 1, 1)), counts(*[(1, 0, 0)] * 3)
    found = paired(baseline, model)
    assert (found.low, found.high) == (0, 1)


def test_identical_models_do_not_differ() -> None:
    model = random_counts(50, 0.7, seed=1)
    found = paired(model, model.copy())
    assert (found.difference, found.low, found.high, found.p_value) == (0, 0, 0, 1)
    assert (found.won, found.lost, found.tied) == (0, 0, 50)


def test_a_clearly_better_model_is_told_from_luck() -> None:
    found = paired(random_counts(200, 0.6, seed=1), random_counts(200, 0.8, seed=2))
    assert 1 / 10_001 <= found.p_value < 0.001  # what was observed is one of the swaps
    assert 0 < found.low < found.difference < found.high
    assert found.won > found.lost > 0


def test_models_that_are_alike_are_seldom_told_apart() -> None:
    """Errors by the same chance: of a hundred such pairs some five are taken for different."""
    told_apart = outside = 0
    for pair in range(100):
        baseline, model = (random_counts(100, 0.7, seed) for seed in (2 * pair, 2 * pair + 1))
        found = paired(baseline, model, resamples=400)
        told_apart += found.p_value < 0.05
        outside += not found.low <= 0 <= found.high
    assert 1 <= told_apart <= 10
    assert 1 <= outside <= 10


def test_few_documents_are_swapped_in_all_ways() -> None:
    baseline, model = random_counts(9, 0.6, seed=5), random_counts(9, 0.75, seed=6)
    exact = p_value_by_hand(baseline, model)
    assert 0 < exact < 1
    assert paired(baseline, model).p_value == exact
    assert paired(baseline, model, resamples=512).p_value == exact  # just enough for all 2 ** 9


def test_random_swaps_come_near_to_all_of_them() -> None:
    """4,095 swaps are one too few to try all of the 2 ** 12, so they are drawn."""
    baseline, model = random_counts(12, 0.55, seed=7), random_counts(12, 0.7, seed=8)
    exact = paired(baseline, model, resamples=4096).p_value
    drawn = paired(baseline, model, resamples=4095).p_value
    assert exact == p_value_by_hand(baseline, model)
    assert drawn == pytest.approx(exact, abs=0.03)


def test_documents_that_are_equal_do_not_matter_for_the_p_value() -> None:
    baseline, model = counts((1, 0, 1), (0, 1, 1)), counts((2, 0, 0), (1, 0, 0))
    same = counts(*[(1, 0, 1)] * 500)
    found = paired(np.vstack([baseline, same]), np.vstack([model, same]))
    assert found.p_value == 0.5
    assert (found.won, found.tied) == (2, 500)


def test_nothing_found_where_nothing_is_annotated_is_right() -> None:
    """Without the false positive the model wins a document in which there is nothing to find."""
    found = paired(counts((0, 1, 0), (1, 0, 0)), counts((0, 0, 0), (1, 0, 0)))
    assert (found.won, found.lost, found.tied) == (1, 0, 1)


def test_without_documents_there_is_no_difference() -> None:
    found = paired(counts(), counts())
    assert (found.difference, found.low, found.high, found.p_value) == (0, 0, 0, 1)
    assert (found.won, found.lost, found.tied) == (0, 0, 0)


def test_the_same_seed_gives_the_same_answer() -> None:
    baseline, model = random_counts(100, 0.7, seed=1), random_counts(100, 0.72, seed=2)
    first, second = paired(baseline, model, seed=3), paired(baseline, model, seed=3)
    assert first == second
    assert first != paired(baseline, model, seed=4)


def test_wrong_shapes_are_refused() -> None:
    two, three = counts((1, 0, 1), (0, 1, 1)), counts((1, 0, 1), (0, 1, 1), (0, 0, 0))
    with pytest.raises(ValueError, match="shape"):
        paired(two, three)
    with pytest.raises(ValueError, match="shape"):
        paired(two[:, :2], two[:, :2])
    with pytest.raises(ValueError, match="resample"):
        paired(two, two, resamples=0)


_DOCUMENTS = st.lists(
    st.tuples(*[st.tuples(*[st.integers(0, 4)] * 3)] * 2),
    max_size=7,
)


@settings(max_examples=60)
@given(_DOCUMENTS)
def test_any_counts(documents: list[tuple[tuple[int, int, int], tuple[int, int, int]]]) -> None:
    """The p-value is that of all swaps, and whoever wins one way round loses the other."""
    baseline = counts(*(before for before, _ in documents))
    model = counts(*(after for _, after in documents))
    there, back = (paired(*pair, resamples=200) for pair in ((baseline, model), (model, baseline)))
    assert there.p_value == back.p_value == p_value_by_hand(baseline, model)
    assert there.low <= there.high
    assert there.difference == -back.difference == f1(model) - f1(baseline)
    assert there.low == pytest.approx(-back.high)
    assert there.high == pytest.approx(-back.low)
    assert (there.won, there.lost, there.tied) == (back.lost, back.won, back.tied)
    assert there.won + there.lost + there.tied == len(documents)
