"""A text as the tagger reads it: words with what surrounds them, and their sentences.

Everything here depends on the text alone, never on what a model has learnt.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from app.backends.local.abbreviations import Abbreviation, abbreviations
from app.backends.local.tokens import Token, sentences, tokenize

# Longer runs are cut, so that one endless "sentence" cannot make a batch endless.
LONGEST_SEQUENCE = 400
# A longer word is read by its two ends.
_LONGEST_WORD = 48


@dataclass(frozen=True, slots=True)
class Reading:
    """Parallel lists, one entry a token; `sequences` are token ranges, half open, in order.

    `glued[i]`: no white space before token i. `chunks[i]`: the run between white space that holds
    token i, without punctuation around it. `title`: how many tokens the title has.
    `definitions`: the first definition of each short form. `index`: the tokens of each word, in
    lower case.
    """

    tokens: list[Token]
    words: list[str]
    lower: list[str]
    glued: list[bool]
    chunks: list[str]
    depth: list[int]
    counts: Counter[str]
    title: int
    sequences: list[tuple[int, int]]
    definitions: dict[tuple[str, ...], Abbreviation]
    index: dict[str, list[int]]

    def places(self, words: Sequence[str]) -> list[tuple[int, int]]:
        """Where these words stand in a row, in this case, as token ranges in order."""
        return [
            (start, end)
            for start, end in self.places_of_any_case([word.lower() for word in words])
            if self.words[start:end] == list(words)
        ]

    def places_of_any_case(self, lower: Sequence[str]) -> list[tuple[int, int]]:
        """Where these lower case words stand in a row, in any case, as token ranges in order."""
        size = len(lower)
        return [
            (start, start + size)
            for start in self.index.get(lower[0], ())
            if self.lower[start : start + size] == list(lower)
        ]


def read(text: str, title_end: int = 0) -> Reading:
    """Read a text whose title is `text[:title_end]`."""
    tokens = tokenize(text)
    words = [_clipped(token.text) for token in tokens]
    lower = [word.lower() for word in words]
    glued = [False] + [before.end == token.start for before, token in pairwise(tokens)]
    sequences = _sequences(tokens, sentences(text, title_end))
    definitions: dict[tuple[str, ...], Abbreviation] = {}
    for start, end in sequences:
        for found in abbreviations(words[start:end], glued[start:end], start):
            definitions.setdefault(tuple(words[slice(*found.short)]), found)
    index: dict[str, list[int]] = {}
    for token, word in enumerate(lower):
        index.setdefault(word, []).append(token)
    return Reading(
        tokens=tokens,
        words=words,
        lower=lower,
        glued=glued[: len(tokens)],
        chunks=_chunks(words, glued),
        depth=_depths(words, sequences),
        counts=Counter(lower),
        title=sum(token.start < title_end for token in tokens),
        sequences=sequences,
        definitions=definitions,
        index=index,
    )


def _clipped(word: str) -> str:
    half = _LONGEST_WORD // 2
    return word if len(word) <= _LONGEST_WORD else word[:half] + word[-half:]


def _sequences(tokens: Sequence[Token], spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The sentences as token ranges of at most LONGEST_SEQUENCE tokens."""
    ranges = []
    start = 0
    for _, stop in spans:
        end = start
        while end < len(tokens) and tokens[end].start < stop:
            end += 1
        ranges += [
            (cut, min(end, cut + LONGEST_SEQUENCE)) for cut in range(start, end, LONGEST_SEQUENCE)
        ]
        start = end
    return ranges


def _chunks(words: Sequence[str], glued: Sequence[bool]) -> list[str]:
    """For each token the run of glued tokens around it, stripped of outer punctuation."""
    chunks: list[str] = []
    start = 0
    for end in range(1, len(words) + 1):
        if end == len(words) or not glued[end]:
            chunk = _clipped("".join(words[start:end]).strip(".,;:()[]\"'"))
            chunks += [chunk] * (end - start)
            start = end
    return chunks


def _depths(words: Sequence[str], sequences: Sequence[tuple[int, int]]) -> list[int]:
    """How many brackets are open at each token, counted anew in each sentence."""
    depths: list[int] = []
    for start, end in sequences:
        steps = [(word in "([") - (word in ")]") for word in words[start:end]]
        depths += accumulate(steps)
    return depths
