"""Abbreviations a text defines itself: "long form (SF)".

The algorithm of Schwartz and Hearst, "A simple algorithm for identifying abbreviation definitions
in biomedical text" (PSB 2003): the letters of the short form are found in the long form from right
to left, the first one at the beginning of a word.
"""

from collections.abc import Sequence
from typing import NamedTuple

_OPEN, _CLOSE, _STOPS = "([", ")]", ";:,)]"
_SHORT_TOKENS = 8
_SHORT_CHARACTERS = range(2, 11)


class Abbreviation(NamedTuple):
    """A definition: token ranges (half open) of the long form and of the short form after it."""

    long: tuple[int, int]
    short: tuple[int, int]


def abbreviations(words: Sequence[str], glued: Sequence[bool], first: int) -> list[Abbreviation]:
    """The definitions in one sentence, its tokens given; `first` is its first token's number.

    `glued[i]` says that no white space stands between word i and the word before it.
    """
    found = []
    for bracket, word in enumerate(words):
        if word not in _OPEN or bracket == 0:
            continue
        end = _short_end(words, bracket + 1)
        short = "".join(words[bracket + 1 : end])
        if len(short) not in _SHORT_CHARACTERS or not any(map(str.isalpha, short)):
            continue
        if not short[0].isalnum() or sum(not glue for glue in glued[bracket + 2 : end]) > 1:
            continue
        start = _long_start(words, glued, bracket, short)
        if start is not None:
            found.append(
                Abbreviation((first + start, first + bracket), (first + bracket + 1, first + end))
            )
    return found


def _short_end(words: Sequence[str], start: int) -> int:
    """Where the short form that begins at `start` ends; `start` itself if none does."""
    for end in range(start, min(len(words), start + _SHORT_TOKENS)):
        if words[end] in _STOPS:
            return end
    return start


def _long_start(
    words: Sequence[str], glued: Sequence[bool], bracket: int, short: str
) -> int | None:
    """The token at which the long form before the bracket begins, if its letters spell `short`."""
    letters = [letter for letter in short.lower() if letter.isalnum()]
    allowed = min(len(letters) + 5, 2 * len(letters))
    for token in range(bracket - 1, -1, -1):
        word = words[token].lower()
        for place in range(len(word) - 1, -1, -1):
            if word[place] == letters[-1] and (place == 0 or len(letters) > 1):
                letters.pop()
            if not letters:
                return token if _is_longer(words[token:bracket], short) else None
        allowed -= not glued[token]
        if not allowed:
            return None
    return None


def _is_longer(long: Sequence[str], short: str) -> bool:
    return len("".join(long)) > len(short) and short not in long
