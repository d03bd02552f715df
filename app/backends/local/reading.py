"""A text as the tagger reads it: words with what surrounds them, and their sentences.

Everything here depends on the text alone, never on what a model has learnt.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from app.backends.local.word_forms import word_forms
from app.corpora.abbreviations import Abbreviation, abbreviations
from app.corpora.tokens import sentences, token_spans

# Longer runs are cut, so that one endless "sentence" cannot make a batch endless.
LONGEST_SEQUENCE = 400
# A longer word is read by its two ends.
_LONGEST_WORD = 48
_AROUND = ".,;:()[]\"'"


@dataclass(frozen=True, slots=True)
class Reading:
    """Parallel lists, one entry a token; `sequences` are token ranges, half open, in order.

    `lower`, `folded`, `outlines` and `looks` are the `WordForms` of `words`.
    `spans` are code points. `glued[i]`: no white space before token i. `chunks[i]`: the run between
    white space that holds token i, without punctuation around it. `depth[i]`: open brackets.
    `title`: how many tokens the title has. `definitions`: the first definition of each short form.
    `index`: the tokens of each word, in lower case.
    """

    spans: list[tuple[int, int]]
    words: list[str]
    lower: list[str]
    folded: list[str]
    outlines: list[str]
    looks: list[int]
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
    spans = token_spans(text)
    words = [text[start:end] for start, end in spans]
    if max(map(len, words), default=0) > _LONGEST_WORD:
        words = [_clipped(word) for word in words]
    forms = [*map(word_forms, words)]
    lower = [form.lower for form in forms]
    glued = [False, *(before[1] == after[0] for before, after in pairwise(spans))][: len(words)]
    sequences = _sequences(spans, sentences(text, title_end))
    definitions: dict[tuple[str, ...], Abbreviation] = {}
    for start, end in sequences:
        for found in abbreviations(words[start:end], glued[start:end], start):
            definitions.setdefault(tuple(words[slice(*found.short)]), found)
    index: dict[str, list[int]] = {}
    for token, word in enumerate(lower):
        index.setdefault(word, []).append(token)
    return Reading(
        spans=spans,
        words=words,
        lower=lower,
        folded=[form.folded for form in forms],
        outlines=[form.outline for form in forms],
        looks=[form.look for form in forms],
        glued=glued,
        chunks=_chunks(words, glued),
        depth=_depths(words, sequences),
        counts=Counter(lower),
        title=bisect_left(spans, (title_end, 0)),
        sequences=sequences,
        definitions=definitions,
        index=index,
    )


def _clipped(word: str) -> str:
    half = _LONGEST_WORD // 2
    return word if len(word) <= _LONGEST_WORD else word[:half] + word[-half:]


def _sequences(
    spans: Sequence[tuple[int, int]], parts: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """The sentences `parts` as ranges of at most LONGEST_SEQUENCE of the tokens `spans`."""
    ends = [bisect_left(spans, (stop, 0)) for _, stop in parts]
    return [
        (cut, min(end, cut + LONGEST_SEQUENCE))
        for start, end in pairwise([0, *ends])
        for cut in range(start, end, LONGEST_SEQUENCE)
    ]


def _chunks(words: Sequence[str], glued: Sequence[bool]) -> list[str]:
    """For each token the run of glued tokens around it, stripped of outer punctuation."""
    chunks: list[str] = []
    start = 0
    for end in range(1, len(words) + 1):
        if end == len(words) or not glued[end]:
            if end - start == 1:
                chunks.append(words[start].strip(_AROUND))
            else:
                chunk = _clipped("".join(words[start:end]).strip(_AROUND))
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
