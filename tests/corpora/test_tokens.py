"""Tokens and sentences are where the text says they are."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.corpora import pubtator
from app.corpora.tokens import sentences, tokenize

TEXTS = st.text(st.sampled_from("aB1 .\n()\u03b2\u0301\U0001f600-'?") | st.characters())


@given(TEXTS)
def test_tokens_hold_every_character_that_is_not_space_once_and_in_order(text: str) -> None:
    tokens = tokenize(text)
    assert all(text[token.start : token.end] == token.text for token in tokens)
    assert "".join(token.text for token in tokens) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("5-HT1A", ["5", "-", "HT", "1", "A"]),
        ("caf\u00e9 \u03b2-blocker", ["caf\u00e9", "\u03b2", "-", "blocker"]),
        ("a_b\u00a0c", ["a", "_", "b", "c"]),
    ],
)
def test_letters_digits_and_signs_share_no_token(text: str, words: list[str]) -> None:
    assert [token.text for token in tokenize(text)] == words


@given(TEXTS, st.integers(0, 50))
def test_sentences_hold_every_token_whole(text: str, title_end: int) -> None:
    spans = sentences(text, min(title_end, len(text)))
    assert spans == sorted(spans)
    inside = "".join(text[start:end] for start, end in spans)
    assert "".join(inside.split()) == "".join(text.split())
    assert all(text[start:end] == text[start:end].strip() != "" for start, end in spans)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("It rose. Then it fell.", ["It rose.", "Then it fell."]),
        ("It rose (a lot.) We saw.", ["It rose (a lot.)", "We saw."]),
        ("Seen in E. coli and by Smith et al. In 3 cases.", None),
        ("Doses, e.g. 5 mg vs. 10 mg, i.v. Bolus.", None),
        ("Was it? Yes! 3 of 4.", ["Was it?", "Yes!", "3 of 4."]),
        ("pH 7.4 and so on", None),
        ("AIM\n\nto see", ["AIM", "to see"]),
    ],
)
def test_sentences_end_at_full_stops_that_are_not_abbreviations(
    text: str, parts: list[str] | None
) -> None:
    assert [text[start:end] for start, end in sentences(text)] == (parts or [text])


def test_the_title_is_one_sentence_whatever_it_holds() -> None:
    text = "A case. Of two. it went on"
    assert sentences(text, 15) == [(0, 15), (16, 26)]


@pytest.mark.parametrize("split", ["train", "dev"])
def test_every_mention_of_the_corpus_is_whole_tokens_of_one_sentence(
    corpus: Path, split: str
) -> None:
    with (corpus / f"{split}.pubtator.txt").open("rb") as lines:
        for _, document in pubtator.read(lines, lambda _: None):
            tokens = tokenize(document.text)
            starts, ends = {token.start for token in tokens}, {token.end for token in tokens}
            spans = sentences(document.text, document.body_offset)
            for mention in document.mentions:
                assert mention.start in starts
                assert mention.end in ends
                assert any(s <= mention.start and mention.end <= e for s, e in spans)
