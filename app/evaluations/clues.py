"""What in a text explains an error: its sentences, and the abbreviations it defines.

Rules of thumb that need no training and no backend; they name causes and never decide a score.
"""

import re

from app.corpora.documents import Document

_BREAK = re.compile(r"[.!?][\"')\]]*\s+(?=[\"'(\[]*[A-Z0-9])|\n\s*\n")
# Words that end with a full stop within a sentence, and of how many code points the longest is.
_NO_END = re.compile(
    r"(?:^|[\s(\[])(al|approx|ca|cf|dr|e\.g|figs?|i\.[emvp]|no|p\.o|s\.c|st|vs)$", re.I
)
_LONGEST_NO_END = 8
_DEFINED = re.compile(r"[(\[]\s*([^\W_][^()\[\];,:\s]{0,9}(?: [^()\[\];,:\s]{1,8})?)\s*[)\];,:]")
_SHORT = range(2, 11)
# A definition is looked for in so many code points before its bracket.
_BEFORE = 200


def sentence_starts(document: Document) -> list[int]:
    """Where sentences begin, in order; a passage (the title) always begins one."""
    starts = []
    for passage in document.passages:
        starts.append(passage.offset)
        starts += (
            passage.offset + match.end()
            for match in _BREAK.finditer(passage.text)
            if not _NO_END.search(
                passage.text[max(0, match.start() - _LONGEST_NO_END) : match.start()]
            )
        )
    return starts


def short_forms(text: str) -> frozenset[str]:
    """The abbreviations that the text defines as "long form (SF)"."""
    return frozenset(match[1] for match in _DEFINED.finditer(text) if _is_definition(text, match))


def spells(short: str, long: str) -> bool:
    """Whether the letters of a short form stand in the long one, the first at a word's beginning.

    The test of Schwartz and Hearst, "A simple algorithm for identifying abbreviation definitions in
    biomedical text" (PSB 2003): each letter is looked for from right to left.
    """
    letters = [letter for letter in short.lower() if letter.isalnum()]
    lower = long.lower()
    at = len(lower)
    for left in range(len(letters) - 1, -1, -1):
        at = lower.rfind(letters[left], 0, at)
        while left == 0 and at > 0 and lower[at - 1].isalnum():
            at = lower.rfind(letters[left], 0, at)
        if at < 0:
            return False
    return bool(letters)


def _is_definition(text: str, match: re.Match[str]) -> bool:
    short = match[1]
    if len(short) not in _SHORT or not any(map(str.isalpha, short)):
        return False
    most = min(len(short) + 5, 2 * len(short))
    words = text[max(0, match.start() - _BEFORE) : match.start()].split()[-most:]
    return short not in words and spells(short, " ".join(words))
