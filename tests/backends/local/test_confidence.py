"""Mentions carry probabilities that held on other documents, and a precision can be asked for."""

import random

import pytest

from app.backends.base import FoundMention
from app.backends.local.confidence import Confidence
from app.corpora.documents import Document, Mention, MentionType, Passage

# Right half as often as their scores say.
SURE = 0.8


def _held(count: int = 400) -> tuple[list[Document], list[list[FoundMention]]]:
    """Documents with one disease each, found at random, with scores that are twice too high."""
    draw = random.Random(3)
    documents, found = [], []
    for number in range(count):
        score = draw.random()
        right = draw.random() < score / 2
        mention = Mention(0, 4, "pain", "Disease")
        documents.append(Document(str(number), (Passage("title", 0, "pain"),), (mention,)))
        found.append([FoundMention(0 if right else 1, 4, "Disease", score=score)])
    return documents, found


def _mention(score: float, type_: MentionType = "Disease") -> FoundMention:
    return FoundMention(0, 4, type_, score=score)


def test_scores_become_what_was_right() -> None:
    confidence, measured = Confidence.train(*_held())
    (mention,) = confidence.apply([_mention(SURE)], None)
    assert mention.score == pytest.approx(SURE / 2, abs=0.12)
    assert measured["disease_raw_ece"] > 0.15
    assert measured["disease_ece"] < 0.08
    assert "chemical_ece" not in measured


def test_a_type_never_held_out_keeps_its_scores() -> None:
    confidence, _ = Confidence.train(*_held())
    (mention,) = confidence.apply([_mention(SURE, "Chemical")], None)
    assert mention.score == pytest.approx(SURE)


def test_a_precision_leaves_the_probable_ones() -> None:
    confidence, _ = Confidence.train(*_held())
    mentions = [_mention(score) for score in (0.1, 0.5, 0.97)]
    assert len(confidence.apply(mentions, 0.0)) == 3
    assert 0 < len(confidence.apply(mentions, 0.4)) < 3
    assert confidence.apply(mentions, 0.99) == []


def test_unknown_precision_answers_nothing() -> None:
    """Of chemicals nothing was held out: no precision can be promised."""
    confidence, _ = Confidence.train(*_held())
    assert confidence.apply([_mention(1.0, "Chemical")], 0.5) == []


def test_state_holds_everything() -> None:
    confidence, _ = Confidence.train(*_held())
    again = Confidence.from_state(confidence.state())
    mentions = [_mention(score) for score in (0.2, 0.6, 0.9)]
    assert again.apply(mentions, 0.3) == confidence.apply(mentions, 0.3)
