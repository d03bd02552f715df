"""A text cut where its mentions begin and end, so that each piece can be marked by itself.

Mentions may overlap or lie in one another: the pieces are flat, in order, and together the text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

_MOST_OF_A_PIECE = 10  # else the page would grow with the square of the mentions


@dataclass(frozen=True, slots=True)
class Span:
    """A mention from `start` to `end` (code points); `kind` is `disease` or `chemical`."""

    start: int
    end: int
    kind: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that the same mentions cover, the ten innermost of them; `begins` are those
    that begin here."""

    text: str
    spans: tuple[Span, ...]
    begins: tuple[Span, ...]

    @property
    def kinds(self) -> str:
        """The kinds that it is of, each once, as the class of a `mark`."""
        return " ".join(sorted({span.kind for span in self.spans}))

    @property
    def note(self) -> str:
        """What there is to say of its mentions."""
        return "; ".join(span.note for span in self.spans if span.note)


def pieces(text: str, spans: Sequence[Span], offset: int = 0) -> list[Piece]:
    """The pieces of a text that begins at `offset` of the document that the spans count in.

    What of a span is outside of the text is left out.
    """
    inside = [
        (max(span.start - offset, 0), min(span.end - offset, len(text)), span) for span in spans
    ]
    inside = [each for each in inside if each[0] < each[1]]
    starts = sorted(inside, key=lambda each: (each[0], -each[1]))
    cuts = sorted({0, len(text), *(each[0] for each in inside), *(each[1] for each in inside)})
    found: list[Piece] = []
    covering: list[tuple[int, int, Span]] = []
    following = 0
    for start, end in pairwise(cuts):
        covering = [each for each in covering if each[1] > start]
        begun = following
        while following < len(starts) and starts[following][0] == start:
            following += 1
        covering += starts[begun:following]
        begins = tuple(each[2] for each in starts[begun:following])
        # What begins last lies innermost: of very many that are nested, it says the most.
        spans = tuple(each[2] for each in covering[-_MOST_OF_A_PIECE:])
        found.append(Piece(text[start:end], spans, begins))
    return found
