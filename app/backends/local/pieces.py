"""How a bare text is read: where its title ends, and in which pieces if it is long."""

from collections.abc import Iterator
from typing import NamedTuple

from app.corpora.tokens import sentences

# The longest BC5CDR abstract has 3,900 characters: no abstract is cut.
LONGEST_PIECE = 8_000
# Longer first sentences are taken as part of the text. In BC5CDR 98 % of the titles are shorter.
_LONGEST_TITLE = 200


class Piece(NamedTuple):
    """The text's code points `start` to `end`; its first `title` code points are the title."""

    start: int
    end: int
    title: int


def title_end(text: str) -> int:
    """Where the title ends, 0 if the text seems to have none.

    The title is the first line or, in a text of one line, the first sentence, if it is short and
    something follows. Training documents say where their title ends; what is extracted from does
    not. An abstract alone thus reads its first sentence as a title, which costs nothing: measured
    on BC5CDR it helps.
    """
    lead = len(text) - len(text.lstrip())
    line_end = text.find("\n", lead)
    spans = sentences(text[: lead + 2 * _LONGEST_TITLE])
    end = line_end if line_end >= 0 else spans[0][1] if spans else 0
    return end if end - lead <= _LONGEST_TITLE and text[end:].strip() else 0


def pieces(text: str, longest: int = LONGEST_PIECE) -> list[Piece]:
    """The text in pieces of at most `longest` code points, which are cut between sentences.

    Every character that is not white space is in exactly one piece. A sentence that is too long is
    cut after white space, or anywhere if it has none.
    """
    title = title_end(text)
    if len(text) <= longest:
        return [Piece(0, len(text), title)] if text.strip() else []
    spans: list[tuple[int, int]] = []
    for sentence in sentences(text, title):
        for start, end in _bounded(text, *sentence, longest):
            fits = spans and end - spans[-1][0] <= longest
            spans.append((spans.pop()[0] if fits else start, end))
    return [Piece(start, end, max(0, min(title, end) - start)) for start, end in spans]


def _bounded(text: str, start: int, end: int, longest: int) -> Iterator[tuple[int, int]]:
    """The span, cut until no part of it is too long."""
    while end - start > longest:
        cut = _cut(text, start, start + longest)
        yield start, cut
        start = cut
    yield start, end


def _cut(text: str, start: int, end: int) -> int:
    """Behind the last white space of the second half, else at the end."""
    return next((at for at in range(end, (start + end) // 2, -1) if text[at - 1].isspace()), end)
