"""Which pairs are kept, how probable they are said to be, and what a wished precision leaves."""

import numpy as np
import pytest

from app.backends.local.relation_choice import (
    Answered,
    Choice,
    Truths,
    best_threshold,
    chosen,
    scores,
)


def answered(
    probabilities: list[float], right: list[bool], scored: list[bool] | None = None
) -> Answered:
    truths = Truths(np.array(right), np.array(scored or [True] * len(right)))
    return Answered(np.array(probabilities), truths)


def boastful() -> list[Answered]:
    """Texts of two pairs: what is said to be 90 % sure is right in 4 of 7, the other in none."""
    return [answered([0.9, 0.1], [number % 7 < 4, False]) for number in range(420)]


def test_keeps_what_reaches_the_threshold_or_else_the_best_if_near() -> None:
    assert chosen(np.array([0.2, 0.9, 0.5]), 0.5) == [1, 2]
    assert chosen(np.array([0.2, 0.4]), 0.5) == [1]
    assert chosen(np.array([0.2, 0.29]), 0.5) == []
    assert chosen(np.array([]), 0.5) == []


def test_scores_count_relations_that_no_pair_can_reach() -> None:
    texts = [answered([0.9, 0.8], [True, False])]
    assert scores(texts, 2, 0.5) == pytest.approx({"precision": 0.5, "recall": 0.5, "f1": 0.5})


def test_scores_know_nothing_of_pairs_without_identifiers() -> None:
    texts = [answered([0.9, 0.8, 0.7], [True, False, True], [True, False, False])]
    assert scores(texts, 1, 0.5) == pytest.approx({"precision": 1, "recall": 1, "f1": 1})


def test_the_best_threshold_parts_right_from_wrong() -> None:
    texts = [answered([0.62, 0.35, 0.1], [True, False, False])] * 3
    threshold, f1 = best_threshold(texts, 3)
    assert 0.35 < threshold <= 0.62
    assert f1 == pytest.approx(1)


def test_a_kept_pair_tells_how_often_such_pairs_were_right() -> None:
    choice, measured = Choice.train(boastful(), 240, None)
    ((index, score),) = choice.of(np.array([0.1, 0.9]), None)
    assert index == 1
    assert score == pytest.approx(4 / 7, abs=0.02)
    assert measured["ece"] < 0.05
    assert measured["precision"] == pytest.approx(4 / 7)
    assert measured["recall"] == 1


def test_the_threshold_of_calibrated_answers_is_half_their_f1() -> None:
    choice, measured = Choice.train(boastful(), 240, None)
    assert choice.threshold == pytest.approx(measured["f1"] / 2)
    assert Choice.train(boastful(), 240, 0.8)[0].threshold == 0.8


def test_of_few_answers_probabilities_stay_and_precision_is_still_known() -> None:
    texts = [answered([0.9, 0.5, 0.2], [True, number < 5, False]) for number in range(10)]
    choice, _ = Choice.train(texts, 15, 0.1)
    said = np.array([0.8, 0.6, 0.3])
    assert choice.of(said, None) == [(0, 0.8), (1, 0.6), (2, 0.3)]
    assert choice.of(said, 0.6) == [(0, 0.8), (1, 0.6)]
    assert choice.of(said, 0.9) == []


def test_a_wished_precision_raises_the_threshold_and_never_lowers_it() -> None:
    choice, _ = Choice.train(boastful(), 240, None)
    said = np.array([0.9, 0.1])
    assert [index for index, _ in choice.of(said, 0.0)] == [0]
    assert [index for index, _ in choice.of(said, 0.55)] == [0]
    assert choice.of(said, 0.7) == []


def test_a_choice_is_the_same_after_being_stored() -> None:
    choice, _ = Choice.train(boastful(), 240, None)
    again = Choice.from_state(choice.state())
    for wish in (None, 0.3, 0.7):
        assert again.of(np.array([0.9, 0.4]), wish) == choice.of(np.array([0.9, 0.4]), wish)


def test_without_any_answer_nothing_passes() -> None:
    choice, measured = Choice.train([], 0, None)
    assert choice.of(np.array([0.5, 0.5]), None) == []
    assert measured == {"precision": 0, "recall": 0, "f1": 0, "ece": 0}
