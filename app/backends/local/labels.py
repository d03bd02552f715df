"""Mentions as labels of tokens: BILOU (begin, inside, last, outside, unit) with the mention's type.

A single token mention is `U-Disease`, a longer one `B-Disease I-Disease ... L-Disease`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from app.corpora.documents import MENTION_TYPES, Mention, MentionType

OUTSIDE = "O"


class Span(NamedTuple):
    """A mention in tokens, half open."""

    start: int
    end: int
    type: MentionType


def position(token: int, start: int, end: int) -> str:
    """The letter of BILOU for a token inside the span `start` to `end`."""
    if end - start == 1:
        return "U"
    return "B" if token == start else "L" if token == end - 1 else "I"


def span_labels(span: Span) -> list[str]:
    """The label of each token of the span."""
    start, end, kind = span
    return [f"{position(token, start, end)}-{kind}" for token in range(start, end)]


def encode(spans: Sequence[Span], count: int) -> list[str]:
    """The labels of `count` tokens; spans may not overlap."""
    labels = [OUTSIDE] * count
    for span in spans:
        labels[span.start : span.end] = span_labels(span)
    return labels


def decode(labels: Sequence[str], first: int = 0) -> list[Span]:
    """The spans these labels mean, in order, also where B, I and L do not fit together.

    A span goes on over I and L of its own type and ends after L or before anything else. `first` is
    the number of the first token.
    """
    spans: list[Span] = []
    start = 0
    while start < len(labels):
        letter, kind = labels[start][:1], labels[start][2:]
        end = start + 1
        while letter in ("B", "I") and end < len(labels) and labels[end][2:] == kind:
            following = labels[end][0]
            if following not in "IL":
                break
            letter = following
            end += 1
        if kind in MENTION_TYPES:
            spans.append(Span(first + start, first + end, kind))
        start = end
    return spans


def mention_spans(mentions: Sequence[Mention], tokens: Sequence[tuple[int, int]]) -> list[Span]:
    """The mentions that begin and end with a token, without those that overlap one before them."""
    starts = {start: number for number, (start, _) in enumerate(tokens)}
    ends = {end: number for number, (_, end) in enumerate(tokens, 1)}
    spans: list[Span] = []
    for mention in sorted(mentions, key=lambda mention: (mention.start, -mention.end)):
        if mention.start in starts and mention.end in ends:
            span = Span(starts[mention.start], ends[mention.end], mention.type)
            if not spans or spans[-1].end <= span.start:
                spans.append(span)
    return spans
