"""Sentences and short forms, as far as the causes of errors need them."""

import pytest

from app.corpora.documents import Document, Passage
from app.evaluations.clues import sentence_starts, spells


def test_sentences_begin_after_stops_and_passages_but_not_after_abbreviations() -> None:
    text = 'Seen (e.g. Smith et al. 1999) "once." Then vs. Now? Yes.\n\nnext 0.5 mg. no'
    document = Document("1", (Passage("title", 0, "No stop"), Passage("abstract", 8, text)))
    found_starts = [document.text[start:][:4] for start in sentence_starts(document)]
    assert found_starts == ["No s", "Seen", "Then", "Yes.", "next"]


@pytest.mark.parametrize(
    ("short", "long", "does"),
    [
        ("MI", "acute myocardial infarction", True),
        ("MI", "hemiplegia", False),  # the m is within a word
        ("HCC", "hepatocellular carcinoma", True),
        ("IM", "myocardial infarction", False),
        ("5-HT", "5-hydroxytryptamine", True),
        ("--", "anything", False),
    ],
)
def test_what_a_short_form_can_stand_for(short: str, long: str, does: bool) -> None:
    assert spells(short, long) is does
