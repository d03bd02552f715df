"""The dictionary of mentions seen in training, with how often and how reliably each was one.

While training, a document is matched against what the *other* documents say: counted with itself
every mention would look known, and the model would learn to trust the dictionary far too much.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from app.backends.local.labels import Span
from app.corpora.documents import MENTION_TYPES

LONGEST_ENTRY = 8

# How often a string was a mention of each of MENTION_TYPES, and last how often it stood anywhere.
Count = tuple[int, ...]
Counts = Mapping[str, Count]
_NOTHING: Count = (0,) * (len(MENTION_TYPES) + 1)


class Match(NamedTuple):
    """A dictionary string at the tokens `start` to `end`, half open, with its counts."""

    start: int
    end: int
    counts: Count


@lru_cache(maxsize=50_000)
def folded(word: str) -> str:
    """A word as the dictionary compares it: acronyms as they are, all else lower case, singular."""
    if len(word) <= 5 and word.isupper():
        return word
    word = word.lower()
    if len(word) > 4 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


class Lexicon:
    """Strings of folded words, joined by one space, with their counts over all documents."""

    def __init__(self, entries: Counts) -> None:
        self.entries = entries
        # The lengths of entries, the longest first, by their first word and their second, if any.
        self._lengths: dict[str, dict[str, list[int]]] = {}
        for entry in entries:
            parts = entry.split(" ")
            first, second, *_ = (*parts, "")
            lengths = self._lengths.setdefault(first, {}).setdefault(second, [])
            if len(parts) not in lengths:
                lengths.append(len(parts))
                lengths.sort(reverse=True)

    def occurrences(self, words: Sequence[str]) -> Iterator[tuple[int, int, str]]:
        """Every place of every entry as (start, end, entry), at each start the longest first."""
        for start, seconds in enumerate(map(self._lengths.get, words)):
            if seconds is None:
                continue
            longer = seconds.get(words[start + 1], ()) if start + 1 < len(words) else ()
            for size in (*longer, *seconds.get("", ())):
                entry = " ".join(words[start : start + size])
                if start + size <= len(words) and entry in self.entries:
                    yield start, start + size, entry

    def matches(self, words: Sequence[str], own: Counts) -> list[Match]:
        """The longest entries from left to right, not overlapping; `own` counts are taken off."""
        found: list[Match] = []
        free = 0
        for start, end, entry in self.occurrences(words):
            if start >= free:
                count = _minus(self.entries[entry], own.get(entry, _NOTHING))
                if any(count[:-1]):
                    found.append(Match(start, end, count))
                    free = end
        return found


def learn(
    texts: Sequence[Sequence[str]], mentions: Sequence[Sequence[Span]]
) -> tuple[Lexicon, list[Counts]]:
    """The dictionary of these documents (folded words and mentions), and each one's own share."""
    entries = {
        " ".join(words[span.start : span.end]): _NOTHING
        for words, spans in zip(texts, mentions, strict=True)
        for span in spans
        if span.end - span.start <= LONGEST_ENTRY
    }
    places = Lexicon(entries)
    shares: list[Counts] = []
    for words, spans in zip(texts, mentions, strict=True):
        shares.append(_share(places, words, spans))
        for entry, count in shares[-1].items():
            entries[entry] = _plus(entries[entry], count)
    return places, shares


def _share(places: Lexicon, words: Sequence[str], spans: Sequence[Span]) -> Counts:
    """One document's counts; what lies inside a longer mention neither counts for nor against."""
    types = {(span.start, span.end): span.type for span in spans}
    inside = {token for span in spans for token in range(span.start, span.end)}
    share: dict[str, Count] = {}
    for start, end, entry in places.occurrences(words):
        kind = types.get((start, end))
        if kind is None and not inside.isdisjoint(range(start, end)):
            continue
        one = tuple(int(each == kind) for each in MENTION_TYPES)
        share[entry] = _plus(share.get(entry, _NOTHING), (*one, 1))
    return share


def _plus(left: Count, right: Count) -> Count:
    return tuple(a + b for a, b in zip(left, right, strict=True))


def _minus(left: Count, right: Count) -> Count:
    return tuple(a - b for a, b in zip(left, right, strict=True))
