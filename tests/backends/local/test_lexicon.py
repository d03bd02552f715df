"""The dictionary counts what other documents say, and matches the longest string."""

from app.backends.local.labels import Span
from app.backends.local.lexicon import Lexicon, Match, folded, learn


def test_words_are_compared_in_lower_case_and_singular_but_acronyms_as_they_are() -> None:
    assert [folded(word) for word in ("Seizures", "MS", "ms", "gas", "Status", "HERRINGS")] == [
        "seizure",
        "MS",
        "ms",
        "gas",
        "status",
        "herring",
    ]


def test_the_longest_entry_wins_from_left_to_right() -> None:
    lexicon = Lexicon({"a b": (1, 0, 1), "a b c": (0, 2, 2), "c d": (1, 0, 1), "b": (1, 0, 1)})
    words = ["x", "a", "b", "c", "d", "a", "b"]
    assert lexicon.matches(words, {}) == [Match(1, 4, (0, 2, 2)), Match(5, 7, (1, 0, 1))]


def test_a_document_does_not_see_its_own_mentions() -> None:
    texts = [["flu"], ["flu", "pain", "flu"]]
    lexicon, shares = learn(
        texts, [[Span(0, 1, "Disease")], [Span(0, 1, "Disease"), Span(1, 2, "Disease")]]
    )
    assert lexicon.matches(texts[1], {}) == [
        Match(0, 1, (0, 2, 3)),
        Match(1, 2, (0, 1, 1)),
        Match(2, 3, (0, 2, 3)),
    ]
    # "pain" is known from this document alone; "flu" keeps the other document's one mention.
    assert lexicon.matches(texts[1], shares[1]) == [
        Match(0, 1, (0, 1, 1)),
        Match(2, 3, (0, 1, 1)),
    ]


def test_what_lies_inside_a_longer_mention_counts_neither_for_nor_against() -> None:
    texts = [["pain"], ["chest", "pain"]]
    lexicon, _ = learn(texts, [[Span(0, 1, "Disease")], [Span(0, 2, "Disease")]])
    assert lexicon.entries == {"pain": (0, 1, 1), "chest pain": (0, 1, 1)}


def test_each_place_of_an_entry_is_there_once_the_longest_first() -> None:
    lexicon = Lexicon({"a": (1, 0, 1), "a b": (1, 0, 1), "a b c": (1, 0, 1), "a c": (1, 0, 1)})
    assert list(lexicon.occurrences(["a", "b", "c", "a", "c", "a", "b", "a"])) == [
        (0, 3, "a b c"),
        (0, 2, "a b"),
        (0, 1, "a"),
        (3, 5, "a c"),
        (3, 4, "a"),
        (5, 7, "a b"),
        (5, 6, "a"),
        (7, 8, "a"),
    ]
