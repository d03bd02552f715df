"""The long forms of the abbreviations a text defines, as strings."""

import re
from itertools import pairwise

from app.corpora.abbreviations import abbreviations
from app.corpora.tokens import token_spans

# A bracket, and what may be a short form up to where that ends (see `abbreviations`).
_DEFINITION = re.compile(r"[(\[](?=\s*[^()\[\];:,]{2,16}[;:,)\]])")
# A long form has few words more than its short form has letters.
_BEFORE, _AFTER = 160, 20


def aliases(text: str) -> dict[str, list[str]]:
    """For each short form the long forms it is defined as, in text order."""
    found: dict[str, list[str]] = {}
    for bracket in _DEFINITION.finditer(text):
        at = bracket.start()
        spans = token_spans(text[max(0, at - _BEFORE) : at + _AFTER])
        begin = max(0, at - _BEFORE)
        words = [text[begin + start : begin + end] for start, end in spans]
        glued = [False, *(before[1] == after[0] for before, after in pairwise(spans))]
        for long, short in abbreviations(words, glued, 0):
            # Other brackets in the window have their own turn, with all that stands before them.
            if begin + spans[short[0] - 1][0] == at:
                form, meant = (
                    text[begin + spans[start][0] : begin + spans[end - 1][1]]
                    for start, end in (short, long)
                )
                if meant not in found.setdefault(form, []):
                    found[form].append(meant)
    return found
