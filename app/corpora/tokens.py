"""Tokens and sentences: where they begin and end in the text, exactly, for any text.

Letters, digits and everything else never share a token ("5-HT1A" is 5 - HT 1 A), because chemical
names begin and end inside what looks like one word. Offsets are code points: for each token
`text[start:end] == token.text`, and every character that is not white space is in one token.
"""

import re
from itertools import pairwise
from typing import NamedTuple

# Greek letters stand alone, as they do where an abstract spells them out ("alpha-methyldopa").
_TOKEN = re.compile(r"[^\W\d_\u0370-\u03ff]+|\d+|[^\s]")

# A full stop, its closing quotes and brackets, white space, and what may open a sentence (a capital
# or a digit, Latin or Greek); or an empty line. \u2018 to \u201d are the curly quotes.
_BREAK = re.compile(
    r"([.!?])[\"'\u2019\u201d)\]]*\s+"
    r"(?=[\"'\u2018\u201c(\[]*[A-Z0-9\u00c0-\u00de\u0391-\u03a9])"
    r"|\n\s*\n"
)
_LAST_WORD = re.compile(r"[^\s(\[]*\Z")
_ABBREVIATION = re.compile(
    r"al|approx|ca|cf|dr|e\.g|eg|figs?|i\.e|i\.m|i\.p|i\.v|s\.c|p\.o|ie|inj|mrs?|ms|nos?|prof"
    r"|refs?|resp|spp?|ssp|st|subsp|var|viz|vol|vs",
    re.IGNORECASE,
)
_LONGEST_ABBREVIATION = 12


class Token(NamedTuple):
    """One token and its code points in the text, half open."""

    start: int
    end: int
    text: str


def token_spans(text: str) -> list[tuple[int, int]]:
    """Where each token begins and ends, in order."""
    return [match.span() for match in _TOKEN.finditer(text)]


def tokenize(text: str) -> list[Token]:
    """The tokens of the text, in order; white space separates tokens and is in none."""
    return [Token(start, end, text[start:end]) for start, end in token_spans(text)]


def sentences(text: str, title_end: int = 0) -> list[tuple[int, int]]:
    """The sentences as code point spans, in order, without the white space around them.

    The title, `text[:title_end]`, is one sentence whatever it holds. Every character that is not
    white space is in one sentence, so no token crosses an edge.
    """
    cuts = [0, title_end]
    cuts += (
        match.end()
        for match in _BREAK.finditer(text, title_end)
        if match[1] != "." or not _is_abbreviation(text, match.start())
    )
    cuts.append(len(text))
    spans = (_trimmed(text, start, end) for start, end in pairwise(cuts))
    return [(start, end) for start, end in spans if start < end]


def _is_abbreviation(text: str, stop: int) -> bool:
    """Whether the full stop at `stop` belongs to the word before it rather than to a sentence."""
    last = _LAST_WORD.search(text[max(0, stop - _LONGEST_ABBREVIATION) : stop])
    word = last[0] if last else ""
    return _ABBREVIATION.fullmatch(word) is not None


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), start + len(part.rstrip())
