"""What a word alone tells: its shape, and other ways to write it; kept, for words come again."""

import re
from functools import lru_cache
from string import ascii_letters, digits
from typing import NamedTuple

from app.backends.local.lexicon import folded

_UPPER, _LOWER, _DIGIT = re.compile(r"[A-Z]"), re.compile(r"[^\W\d_A-Z]"), re.compile(r"\d")
_RUNS = re.compile(r"(.)\1+", re.DOTALL)
# The same three for ASCII alone.
_ASCII = str.maketrans(ascii_letters + digits, "a" * 26 + "A" * 26 + "0" * 10)

# How a word is written, in one number: a mask for its length, and the places of bits that say
# whether it is all letters, whether any is in lower case, and (two bits) 0 for a closing bracket,
# 2 for an opening one, 1 for all else.
LENGTH, LETTERS, SMALL, BRACKET = 0xFF, 8, 9, 10
_BRACKETS = {"(": 2, "[": 2, ")": 0, "]": 0}


class WordForms(NamedTuple):
    """A word in `lower` case, as the dictionary compares it (`folded`), and the outline of `lower`.

    `look` is what `LENGTH` and the bits below say of how the word itself is written.
    """

    lower: str
    folded: str
    outline: str
    look: int


@lru_cache(maxsize=50_000)
def word_forms(word: str) -> WordForms:
    """The forms of a word."""
    lower = word.lower()
    return WordForms(lower, folded(word), outline(lower), _look(word))


def shape(word: str) -> str:
    """Capitals as A, other letters as a, digits as 0, all else as it is."""
    if word.isascii():
        return word.translate(_ASCII)
    return _UPPER.sub("A", _LOWER.sub("a", _DIGIT.sub("0", word)))


@lru_cache(maxsize=50_000)
def outline(word: str) -> str:
    """The shape with each run of one kind written once."""
    written = shape(word)
    if written == written[:1] * len(written):
        return written[:1]
    return _RUNS.sub(r"\1", written)


def _look(word: str) -> int:
    return (
        min(len(word), LENGTH)
        | word.isalpha() << LETTERS
        | (word != word.upper()) << SMALL
        | _BRACKETS.get(word, 1) << BRACKET
    )
