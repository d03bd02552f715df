"""Scores, worked out by hand."""

from itertools import combinations, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.corpora.documents import Mention, MentionType, Relation
from app.corpora.scoring import Counts, score_concepts, score_mentions, score_relations


def mention(start: int, end: int, *identifiers: str, type_: MentionType = "Disease") -> Mention:
    return Mention(start, end, "x" * (end - start), type_, identifiers)


def test_counts_add_up_over_documents() -> None:
    """Micro-average: 3 of 5 found are right, and 3 of 4 were to be found."""
    total = sum([Counts(2, 1, 0), Counts(1, 1, 1), Counts()])
    assert total == Counts(3, 2, 1)
    assert total.precision == 0.6
    assert total.recall == 0.75
    assert total.f1 == pytest.approx(2 * 0.6 * 0.75 / (0.6 + 0.75))


def test_nothing_found_or_nothing_there_is_zero() -> None:
    for counts in (Counts(), Counts(0, 1, 0), Counts(0, 0, 1)):
        assert (counts.precision, counts.recall, counts.f1) == (0, 0, 0)


def test_mentions_count_with_exact_span_and_type() -> None:
    gold = [mention(0, 4), mention(10, 14), mention(20, 24), mention(0, 4, type_="Chemical")]
    predicted = [
        mention(0, 4, "MESH:D1"),  # right, identifiers do not matter
        mention(0, 4),  # the same again counts once
        mention(10, 15),  # one too long
        mention(20, 24, type_="Chemical"),  # another type
    ]
    assert score_mentions(gold, predicted, "Disease") == Counts(1, 1, 2)
    assert score_mentions(gold, predicted, "Chemical") == Counts(0, 1, 1)


def test_relaxed_mentions_need_only_overlap() -> None:
    gold = [mention(0, 4), mention(10, 14), mention(20, 24)]
    predicted = [mention(3, 6), mention(14, 18), mention(19, 30)]
    # 3-6 shares a character with 0-4; 14-18 only touches 10-14.
    assert score_mentions(gold, predicted, "Disease", relaxed=True) == Counts(2, 1, 1)


def test_relaxed_mentions_are_matched_one_to_one() -> None:
    """One long span does not find three mentions, nor is one mention found three times."""
    long, short = [mention(0, 30)], [mention(0, 4), mention(10, 14), mention(20, 24)]
    assert score_mentions(short, long, "Disease", relaxed=True) == Counts(1, 0, 2)
    assert score_mentions(long, short, "Disease", relaxed=True) == Counts(1, 2, 0)


_SPANS = st.lists(
    st.tuples(st.integers(0, 8), st.integers(1, 5)).map(lambda s: mention(s[0], s[0] + s[1])),
    max_size=5,
    unique=True,
)


@given(_SPANS, _SPANS)
def test_relaxed_matching_is_the_best_there_is(gold: list[Mention], found: list[Mention]) -> None:
    """Compared with trying every possible matching."""
    few, many = sorted([gold, found], key=len)
    best = max(
        sum(a.start < b.end and b.start < a.end for a, b in zip(few, order, strict=True))
        for order in permutations(many, len(few))
    )
    counts = score_mentions(gold, found, "Disease", relaxed=True)
    assert counts == Counts(best, len(found) - best, len(gold) - best)


def test_relaxed_matching_of_very_many_mentions_ends() -> None:
    """Each overlaps a hundred others; comparing all with all would take minutes."""
    gold = [mention(start, start + 100) for start in range(20_000)]
    found = [mention(start, start + 100) for start in range(25, 20_025)]
    assert score_mentions(gold, found, "Disease", relaxed=True) == Counts(20_000, 0, 0)


def test_concepts_count_once_a_document() -> None:
    gold = [
        mention(0, 1, "MESH:D1"),
        mention(5, 6, "MESH:D1"),
        mention(7, 8, "MESH:D2", "MESH:D3"),  # a composite mention names two
        mention(9, 10),  # none
        mention(9, 10, "MESH:D9", type_="Chemical"),
    ]
    predicted = [
        mention(50, 51, "D1"),  # without prefix, and elsewhere
        mention(7, 8, "MESH:D3"),
        mention(9, 10, "-1"),  # none
        mention(9, 10, "OMIM:2"),
    ]
    assert score_concepts(gold, predicted, "Disease") == Counts(2, 1, 1)


def test_relations_count_by_their_pair_of_concepts() -> None:
    gold = [
        Relation("MESH:C1", "MESH:D1"),
        Relation("MESH:C1", "MESH:D2"),
        Relation("MESH:C1", "-1"),
    ]
    predicted = [
        Relation("C1", "D1"),
        Relation("MESH:C1", "MESH:D1", "influences"),  # the same again, under another name
        Relation("MESH:D2", "MESH:C1"),  # the wrong way round
        Relation("MESH:C2", ""),  # no pair
    ]
    assert score_relations(gold, predicted) == Counts(1, 1, 1)


@given(_SPANS)
def test_perfect_is_perfect(gold: list[Mention]) -> None:
    for relaxed in (False, True):
        expected = Counts(len(gold), 0, 0)
        assert score_mentions(gold, gold[::-1], "Disease", relaxed=relaxed) == expected


def test_the_brute_force_of_these_tests_is_no_tautology() -> None:
    """There are spans where taking just any partner would find one pair too few."""
    gold, found = [mention(0, 2), mention(1, 5)], [mention(1, 3), mention(0, 1)]
    assert score_mentions(gold, found, "Disease", relaxed=True).tp == 2
    assert any(a.start < b.end for a, b in combinations(gold, 2))
