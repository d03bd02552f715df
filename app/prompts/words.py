"""Text as the words by which items are looked for in it, each with its place.

A word is a run of letters, a run of digits, or any other single character; combining marks and
invisible format characters belong to what stands before them. Its folded form is the same for
case, compatibility and composition variants (NFKD, case folding; The Unicode Standard, section
3.13, D146), whatever length that has: places are those of the word in the text, so folding never
moves them. White space and hyphens are between words and are no words.
"""

import re
import unicodedata

_WORD = re.compile(r"[^\W\d_]+|\d+|[^\s-]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_MINUS = "\u2212"

# `text[start:end]`, and its folded form.
Word = tuple[int, int, str]


def words(text: str) -> list[Word]:
    """The words of the text, in order."""
    if text.isascii():  # as nearly all texts are, and then it is quick
        return [(*match.span(), match[0]) for match in _WORD.finditer(text.lower())]
    found = []
    for match in _WORD.finditer(_plain(text)):
        start, end = match.span()
        if (folded := fold(text[start:end])) and not _is_hyphen(text[start:end]):
            found.append((start, end, folded))
    return found


def fold(text: str) -> str:
    """The text without differences of case, compatibility, composition and format characters."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(character for character in folded if unicodedata.category(character) != "Cf")


def joins(text: str, place: int) -> bool:
    """Whether the place is inside something written as one: letters or digits on both sides."""
    if not 0 < place < len(text):
        return False
    before, after = text[place - 1], text[place]
    return (before.isalnum() or _is_carried(before)) and (after.isalnum() or _is_carried(after))


def squeezed(text: str) -> str:
    """The text without white space and hyphens, its compatibility variants (NFKC) made equal."""
    normal = unicodedata.normalize("NFKC", text)
    return "".join(c for c in normal if not c.isspace() and not _is_hyphen(c))


def _plain(text: str) -> str:
    """As long as the text; marks and format characters are letters, raised digits are digits."""
    return _BEYOND_ASCII.sub(_plain_character, text)


def _plain_character(match: re.Match[str]) -> str:
    character = match[0]
    return "x" if _is_carried(character) else "0" if character.isdigit() else character


def _is_carried(character: str) -> bool:
    return character > "\x7f" and unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf")


def _is_hyphen(text: str) -> bool:
    return text == "-" or (
        len(text) == 1 and text > "\x7f" and (text == _MINUS or unicodedata.category(text) == "Pd")
    )
