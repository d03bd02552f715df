"""Words and endings are counted inside mentions, at their ends, and anywhere."""

import numpy as np
import pytest

from app.backends.local.labels import Span
from app.backends.local.word_counts import WordCounts

TEXTS = [["renal", "failure", "after", "ibuprofen"], ["no", "failure"]]
MENTIONS = [[Span(0, 2, "Disease"), Span(3, 4, "Chemical")], []]


@pytest.fixture
def counts() -> WordCounts:
    return WordCounts.learn(TEXTS, MENTIONS)


def test_shares_are_of_all_places_a_word_stood(counts: WordCounts) -> None:
    (row,), (ending,) = counts.rows(["failure"])
    assert counts.seen[row] == 2
    assert counts.inside[row] == pytest.approx([0.1 / 2.5, 1.1 / 2.5])
    assert counts.last[row] == pytest.approx([0, 1 / 2.5])
    assert counts.inside[ending] == pytest.approx([0.1 / 2.5, 1.1 / 2.5])


def test_only_the_last_word_of_a_mention_ends_it(counts: WordCounts) -> None:
    (row,), _ = counts.rows(["renal"])
    assert counts.last[row].tolist() == [0, 0]


def test_an_unknown_word_has_the_ending_of_a_known_one(counts: WordCounts) -> None:
    rows, endings = counts.rows(["ketoprofen", "zzzz", "ibuprofen"])
    assert counts.seen[rows].tolist() == [0, 0, 1]
    assert counts.seen[endings].tolist() == [1, 0, 1]
    assert endings[0] == endings[2]


def test_the_state_gives_the_counts_back(counts: WordCounts) -> None:
    again = WordCounts.from_state(counts.state())
    words = ["renal", "failure", "unknown"]
    assert [a.tolist() for a in again.rows(words)] == [a.tolist() for a in counts.rows(words)]
    assert np.array_equal(again.inside, counts.inside)


def test_nothing_is_known_of_nothing() -> None:
    counts = WordCounts.learn([], [])
    rows, endings = counts.rows(["word"])
    assert counts.seen[rows].tolist() == counts.seen[endings].tolist() == [0]
    assert WordCounts.from_state(counts.state()).rows([])[0].size == 0
