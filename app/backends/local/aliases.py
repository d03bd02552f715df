"""The long forms of the abbreviations a text defines, as strings."""

import re
from itertools import pairwise

from app.backends.local.abbreviations import abbreviations
from app.backends.local.tokens import tokenize

_BRACKET = re.compile(r"[(\[]")
# A definition fits into this many characters before its bracket, and after it.
_BEFORE, _AFTER = 200, 40


def aliases(text: str) -> dict[str, list[str]]:
    """For each short form the long forms it is defined as, in text order."""
    found: dict[str, list[str]] = {}
    for bracket in _BRACKET.finditer(text):
        start = max(0, bracket.start() - _BEFORE)
        tokens = tokenize(text[start : bracket.end() + _AFTER])
        words = [token.text for token in tokens]
        glued = [False, *(before.end == after.start for before, after in pairwise(tokens))]
        for long, short in abbreviations(words, glued, 0):
            # Other brackets in the window have their own turn, with all that stands before them.
            if tokens[short[0] - 1].start == bracket.start() - start:
                form = text[start + tokens[short[0]].start : start + tokens[short[1] - 1].end]
                meant = text[start + tokens[long[0]].start : start + tokens[long[1] - 1].end]
                if meant not in found.setdefault(form, []):
                    found[form].append(meant)
    return found
