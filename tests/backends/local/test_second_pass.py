"""The best choice of spans is found, and trees learn which spans are right."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.local.labels import Span
from app.backends.local.second_pass import LEAST_CHANCE, SecondPass, choose

SPANS = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 4), st.floats(0, 1)), max_size=9).map(
    lambda rows: [(Span(start, start + length, "Disease"), p) for start, length, p in rows]
)


@given(SPANS)
def test_no_other_choice_promises_more(scored: list[tuple[Span, float]]) -> None:
    spans, chances = [span for span, _ in scored], [chance for _, chance in scored]
    chosen = choose(spans, chances)
    assert _compatible([spans[number] for number in chosen])
    assert [spans[number] for number in chosen] == sorted(spans[number] for number in chosen)
    every = range(len(spans))
    choices = (set(each) for size in range(len(spans) + 1) for each in combinations(every, size))
    best = max(
        sum(chances[number] - LEAST_CHANCE for number in choice)
        for choice in choices
        if _compatible(sorted(spans[number] for number in choice))
    )
    assert sum(chances[n] - LEAST_CHANCE for n in chosen) == pytest.approx(best)


def _compatible(spans: list[Span]) -> bool:
    return all(one.end <= two.start for one, two in pairwise(spans))


def table() -> tuple[np.ndarray, np.ndarray]:
    """Rows that are right where the second column is above one half."""
    rows = np.random.default_rng(1).random((1500, 3))
    return rows, (rows[:, 1] > 0.5).astype(float)


def test_trees_learn_what_makes_a_span_right_and_their_state_gives_them_back() -> None:
    rows, right = table()
    second = SecondPass.train(rows, right)
    assert second is not None
    chances = second.chances(rows)
    assert ((chances > 0.5) == right).mean() > 0.97
    assert np.array_equal(SecondPass.from_state(second.state()).chances(rows), chances)
    assert second.chances(rows[:0]).shape == (0,)


def test_from_few_mentions_nothing_is_learnt() -> None:
    rows, right = table()
    assert SecondPass.train(rows[:900], right[:900]) is None
