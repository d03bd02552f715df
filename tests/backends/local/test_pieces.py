"""Bare texts: where the title ends, and how a long text is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.local.pieces import LONGEST_PIECE, pieces, title_end

_ANY_TEXT = st.text(st.sampled_from("aB1. \n\t(😀\u2028"), max_size=200)


@given(_ANY_TEXT, st.integers(1, 30))
def test_every_character_but_white_space_is_in_exactly_one_piece(text: str, longest: int) -> None:
    found = pieces(text, longest)
    inside = [at for piece in found for at in range(piece.start, piece.end)]
    assert inside == sorted(set(inside))
    assert {at for at, each in enumerate(text) if not each.isspace()} <= set(inside)


@given(_ANY_TEXT, st.integers(1, 30))
def test_no_piece_is_longer_than_allowed_nor_its_title_than_itself(text: str, longest: int) -> None:
    for piece in pieces(text, longest):
        assert 0 < piece.end - piece.start <= longest
        assert 0 <= piece.title <= piece.end - piece.start


def test_cuts_between_sentences() -> None:
    text = "One is short. Two is longer than one. Three ends it."
    assert [text[piece.start : piece.end] for piece in pieces(text, 40)] == [
        "One is short. Two is longer than one.",
        "Three ends it.",
    ]


def test_a_sentence_without_end_is_cut_after_a_word() -> None:
    text = "word " * 4000
    found = pieces(text)
    assert len(found) == 3
    assert all(text[piece.start : piece.end].startswith("word") for piece in found)
    assert max(piece.end - piece.start for piece in found) <= LONGEST_PIECE


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("A title.\nAnd a text.", "A title."),
        ("A title\n\nAnd a text.", "A title"),
        ("\n A title\nAnd a text.", "\n A title"),
        ("A first sentence. And a text.", "A first sentence."),
        ("Only one sentence.", ""),
        ("Only one line.\n", ""),
        ("long " * 50 + "sentence. And a text.", ""),
        ("long " * 50 + "line\nAnd a text.", ""),
        ("", ""),
        (" \n ", ""),
    ],
)
def test_the_title_is_a_short_first_line_or_sentence(text: str, title: str) -> None:
    assert text[: title_end(text)] == title


@given(_ANY_TEXT)
def test_a_title_never_is_all_there_is(text: str) -> None:
    end = title_end(text)
    assert end == 0 or text[end:].strip()
