"""What in a text explains an error: its sentences, and what may be short for what.

Rules of thumb that need no training and no backend; they name causes and never decide a score.
"""

from app.corpora.documents import Document
from app.corpora.tokens import sentences


def sentence_starts(document: Document) -> list[int]:
    """Where sentences begin, in order; a passage (the title) always begins one."""
    return [
        passage.offset + start
        for passage in document.passages
        for start, _ in sentences(passage.text)
    ]


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
