"""Items are found where they stand, longest first, in any spelling that is surely the same."""

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.corpora.documents import MENTION_TYPES
from app.prompts.ground import Match, ground
from app.prompts.words import fold, words
from tests.prompts.corpus import documents
from tests.prompts.strategies import awkward_text


def found(
    items: list[str], text: str, upto: Match = "fuzzy"
) -> tuple[list[tuple[str, str, Match]], tuple[str, ...]]:
    """The spans as (surface, item, match), and the ungrounded items."""
    grounding = ground(items, text, upto=upto)
    spans = [(text[s.start : s.end], s.item, s.match) for s in grounding.spans]
    return spans, grounding.ungrounded


def test_the_items_of_the_real_corpus_are_found_where_they_were_annotated(corpus: Path) -> None:
    right = wrong = missed = 0
    ungrounded = 0
    for document in documents(corpus):
        for kind in MENTION_TYPES:
            mentions = [m for m in document.mentions if m.type == kind]
            grounding = ground((m.text for m in mentions), document.text, upto="exact")
            annotated = {(m.start, m.end) for m in mentions}
            spans = {(span.start, span.end) for span in grounding.spans}
            right += len(annotated & spans)
            wrong += len(spans - annotated)
            missed += len(annotated - spans)
            ungrounded += len(grounding.ungrounded)
    # What is more than annotated are names the annotators passed over.
    assert (right, wrong, missed, ungrounded) == (18_973, 41, 3, 1)


def test_all_occurrences_are_found_at_the_edges_of_words() -> None:
    text = "Ulcer, ulcer; peptic ulcer and ulcerated. (ulcer)"
    grounding = ground(["ulcer"], text, upto="exact")
    assert [span.start for span in grounding.spans] == [7, 21, 43]


def test_longest_items_claim_their_place_first() -> None:
    text = "Pulmonary hypertension differs from hypertension."
    assert found(["hypertension", "pulmonary hypertension"], text)[0] == [
        ("Pulmonary hypertension", "pulmonary hypertension", "normalised"),
        ("hypertension", "hypertension", "exact"),
    ]
    assert found(["hypertension", "pulmonary hypertension"], text[:22]) == (
        [("Pulmonary hypertension", "pulmonary hypertension", "normalised")],
        ("hypertension",),
    )


def test_places_already_taken_are_left_alone() -> None:
    grounding = ground(["gout"], "gout and gout", taken=[(0, 3), (2, 4)])
    assert [(span.start, span.end) for span in grounding.spans] == [(9, 13)]


def test_part_of_a_word_counts_only_if_the_item_has_no_word_of_its_own() -> None:
    assert found(["5-HT"], "5-HT6 and 5-HT")[0] == [("5-HT", "5-HT", "exact")]
    assert found(["5-HT"], "the 5-HT6 receptor")[0] == [("5-HT", "5-HT", "exact")]
    assert found(["hypertensive"], "antihypertensive") == ([], ("hypertensive",))


@pytest.mark.parametrize(
    ("item", "surface"),
    [
        ("beta-blocker", "Beta blocker"),
        ("acute renal failure", "acute\n renal  failure"),
        ("5-FU", "5\u2011FU"),
        ("Sjögren", "sjo\u0308gren"),
        ("strasse", "Straße"),
        ("fibrillation", "\ufb01brillation"),
        ("naloxone", "nal\u00adoxone"),
        ("naloxone", "NALOXONE"),
        ("H2SO4", "H₂SO₄"),
    ],
)
def test_variants_are_found_at_the_offsets_of_the_text(item: str, surface: str) -> None:
    # What folds to more or fewer characters stands before and after, to move any wrong offset.
    text = f"\u0130ß\ufb03 {surface} \u0130ß"
    assert found([item], text) == ([(surface, item, "normalised")], ())
    assert found([item], text, "exact") == ([], (item,))


@pytest.mark.parametrize(
    ("item", "text"),
    [("ALL", "all patients"), ("all", "ALL was found"), ("HIT", "a hit"), ("AIDS", "aids to it")],
)
def test_case_makes_the_name_where_names_are_short(item: str, text: str) -> None:
    assert found([item], text) == ([], (item,))


def test_a_name_of_capitals_may_still_differ_in_hyphens() -> None:
    assert found(["IL-2"], "IL 2 rose")[0] == [("IL 2", "IL-2", "normalised")]


def test_an_accent_is_part_of_its_letter() -> None:
    assert found(["cafe"], "cafe\u0301") == ([], ("cafe",))


@pytest.mark.parametrize(
    ("item", "surface"),
    [
        ("seizure", "seizures"),
        ("thrombocytopaenia", "thrombocytopenia"),
        ("betablocker", "beta-blocker"),
    ],
)
def test_one_slip_is_forgiven_in_generated_names(item: str, surface: str) -> None:
    assert found([item], f"After {surface}, rest.")[0] == [(surface, item, "fuzzy")]
    assert found([item], f"After {surface}, rest.", "normalised") == ([], (item,))


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ("hypertension", "hypotension"),
        ("hyperkalemic paralysis", "hypokalemic paralysis"),
        ("sodium nitrate", "sodium nitrite"),
        ("prednisolone", "prednisone"),
        ("interleukin-2", "interleukin-6"),
        ("vitamin B12 deficiency", "vitamin B2 deficiency"),
        ("gout", "gouts"),
        ("cortisone", "cortisol"),
        ("carbamezapine", "carbamazepine"),
        ("nephritis", "antinephritic"),
    ],
)
def test_another_name_is_never_near(item: str, text: str) -> None:
    assert found([item], text) == ([], (item,))


def test_what_is_not_there_is_ungrounded_in_the_order_given() -> None:
    assert found(["optic atrophy", "gout", "", "-", "gout", "asthma"], "gout") == (
        [("gout", "gout", "exact")],
        ("optic atrophy", "", "-", "asthma"),
    )


@given(st.lists(awkward_text, max_size=4), awkward_text, st.sampled_from(["exact", "fuzzy"]))
def test_spans_never_overlap_and_every_item_is_somewhere(
    items: list[str], text: str, upto: Match
) -> None:
    text = text.join([*items, ""])
    grounding = ground(items, text, upto=upto)
    end = 0
    for span in grounding.spans:
        assert end <= span.start < span.end <= len(text)
        assert span.item in items
        assert (text[span.start : span.end] == span.item) == (span.match == "exact")
        end = span.end
    assert {span.item for span in grounding.spans} | set(grounding.ungrounded) == set(items)


@given(awkward_text, awkward_text)
def test_words_have_their_place_and_fold_alike_whatever_the_composition(
    before: str, text: str
) -> None:
    end = 0
    for start, stop, folded in words(before + text):
        assert end <= start < stop <= len(before + text)
        assert folded == fold((before + text)[start:stop])
        end = stop
    assert fold(fold(text)) == fold(text)


def test_hostile_input_ends() -> None:
    nested = ["a " * count + "a" for count in range(1, 200)]
    assert ground(nested, "a " * 20_000).spans
    assert len(ground(["("], "(" * 50_000).spans) == 50_000
    similar = [f"abcdefgh{'i' * (n % 20)}{n}xyz" for n in range(300)]
    assert not ground(similar, "abcdefghi " * 10_000).spans
    assert ground(["a" * 100_000], "a" * 100_000).spans


def test_thousands_of_spellings_of_one_name_end() -> None:
    """Not each is compared with each place: that would take minutes."""
    cases = [
        "".join(c.upper() if n >> k & 1 else c for k, c in enumerate("abcdefghijklmno"))
        for n in range(32_768)
    ]
    for text in ("ABcdefghijklmno ", "ABCdefghijklmno.. "):
        grounding = ground(cases, text * 10_000)
        assert len(grounding.spans) == 10_000
        assert len(grounding.ungrounded) == len(cases) - 1
    around = ["".join(edge) + "gout" for edge in product("- \u2010\u2011", repeat=7)]
    assert len(ground(around, "-------gout " * 10_000).spans) == 10_000


def test_of_many_spellings_each_finds_its_own() -> None:
    items = ["-gouty", "gouty-", "gouty", "Gouty", "GOUTY"]
    assert found(items, "gouty Gouty x-gouty gouty-x GOUTY gOUTY")[0] == [
        ("gouty", "gouty", "exact"),
        ("Gouty", "Gouty", "exact"),
        ("-gouty", "-gouty", "exact"),
        ("gouty-", "gouty-", "exact"),
        ("GOUTY", "GOUTY", "exact"),
        ("gOUTY", "gouty", "normalised"),
    ]
