"""Each rule of the document's evidence does what it says, and only then."""

from itertools import pairwise

import pytest

from app.backends.local.labels import Span
from app.backends.local.postprocess import ADDED, Scored, refine
from app.backends.local.reading import read
from app.corpora.documents import MentionType


def refined(
    text: str, *tagged: str, chance: float = 1.0, kind: MentionType = "Disease"
) -> list[str]:
    """The strings of the spans after `refine`; of `tagged`, the n-th `x#n` (else the first) is."""
    reading = read(text)
    found = []
    for item in tagged:
        string, _, number = item.partition("#")
        at = -1
        for _ in range(int(number or 1)):
            at = text.index(string, at + 1)
        start = next(i for i, span in enumerate(reading.spans) if span[0] == at)
        end = next(i for i, span in enumerate(reading.spans) if span[1] == at + len(string)) + 1
        found.append(Scored(Span(start, end, kind), 0.8))
    spans = [scored.span for scored in refine(reading, found, lambda _: chance)]
    assert all(before.end <= after.start for before, after in pairwise(spans))
    return [text[reading.spans[s.start][0] : reading.spans[s.end - 1][1]] for s in spans]


DEFINED = "Acute renal failure (ARF) and ARF."


@pytest.mark.parametrize(
    ("text", "tagged", "spans"),
    [
        ("iron(III chloride) was", "iron(III chloride", ["iron(III chloride)"]),
        ("(as iron chloride) was", "iron chloride)", ["iron chloride"]),
        ("(as iron chloride", "iron chloride", ["iron chloride"]),
    ],
)
def test_brackets_are_closed_or_let_go(text: str, tagged: str, spans: list[str]) -> None:
    assert refined(text, tagged) == spans


def test_short_forms_of_a_tagged_long_form_are_tagged() -> None:
    assert refined(DEFINED, "Acute renal failure") == ["Acute renal failure", "ARF", "ARF"]


@pytest.mark.parametrize("tagged", ["Acute renal", "renal failure"])
def test_short_forms_follow_only_a_mention_that_is_the_whole_long_form(tagged: str) -> None:
    assert refined(DEFINED, tagged) == [tagged]


def test_a_short_form_whose_long_form_is_no_mention_is_dropped() -> None:
    assert refined(DEFINED, "ARF") == []


def test_a_short_form_tagged_often_is_believed() -> None:
    assert refined(DEFINED + " ARF", "ARF#1", "ARF#2", "ARF#3") == ["ARF"] * 3


def test_repeats_are_tagged_in_any_case() -> None:
    assert refined("Tremor, then tremor, not tremors", "Tremor") == ["Tremor", "tremor"]


def test_repeats_the_model_finds_impossible_are_not_tagged() -> None:
    assert refined("Tremor, then tremor", "Tremor", chance=0.01) == ["Tremor"]


def test_short_strings_are_repeated_only_in_the_case_they_were_tagged_in_twice() -> None:
    assert refined("MS, MS, MS and ms", "MS#1") == ["MS"]
    assert refined("MS, MS, MS and ms", "MS#1", "MS#2") == ["MS"] * 3


def test_the_longest_repeat_wins() -> None:
    text = "renal failure, failure; renal failure"
    assert refined(text, "renal failure", "failure#2") == [
        "renal failure",
        "failure",
        "renal failure",
    ]


def test_an_added_mention_has_a_share_of_the_score_it_follows_from() -> None:
    reading = read("Tremor, then tremor")
    first = Scored(Span(0, 1, "Disease"), 0.8)
    assert refine(reading, [first], lambda _: 1.0) == [
        first,
        Scored(Span(3, 4, "Disease"), 0.8 * ADDED),
    ]
