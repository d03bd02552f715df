"""The features of a token, defined once: as strings, for training and for the fast path alike.

A stream is a string at every place along the tokens (the word, two words in a row, the run between
white space ...), each of which says something about the tokens near it. What a string says depends
on nothing else, so its weights can be summed once and kept. What depends on the document as a whole
is not here but in `evidence`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from app.backends.local.lexicon import folded
from app.backends.local.reading import Reading
from app.backends.local.word_forms import outline, shape

EDGE = "\n"  # the "word" beyond either end of a sequence; no token is white space
WINDOW = 4
_OFTEN = 4

# What a string says, as names of features.
Extractor = Callable[[str], Sequence[str]]

_GREEK = frozenset(
    ["alpha", "beta", "gamma", "delta", "epsilon", "kappa", "lambda", "mu", "omega", "sigma"]
)


def _word(word: str) -> Sequence[str]:
    """What a word says about its own token."""
    if word == EDGE:
        return ("edge",)
    lower = word.lower()
    marked = f"<{lower}>"
    return [
        f"w={lower}",
        f"o={word}",
        f"f={folded(word)}",
        f"s={shape(word)}",
        f"l={min(len(word), 12)}",
        *(("upper",) if len(word) > 1 and word.isupper() else ()),
        *(("greek",) if lower in _GREEK else ()),
        f"c={outline(word)}",
        *[f"p={lower[:length]}" for length in range(2, min(5, len(lower)) + 1)],
        *[f"e={lower[-length:]}" for length in range(2, min(6, len(lower)) + 1)],
        *[f"g={marked[start : start + 4]}" for start in range(len(marked) - 3)],
    ]


def _near_word(word: str) -> Sequence[str]:
    """What it says about tokens one or two away."""
    if word == EDGE:
        return ("edge",)
    lower = word.lower()
    return (f"w={lower}", f"c={outline(word)}", f"e={lower[-3:]}")


def _far_word(word: str) -> Sequence[str]:
    """What it says about tokens further away."""
    return ("edge",) if word == EDGE else (f"w={word.lower()}",)


def _chunk(chunk: str) -> Sequence[str]:
    if chunk == EDGE:
        return ()
    lower = chunk.lower()
    return (f"w={lower}", f"c={outline(chunk)}", f"p={lower[:4]}", f"e={lower[-4:]}")


def _situation(situation: str) -> Sequence[str]:
    return () if situation == EDGE else ("", *situation.split())


class Group(NamedTuple):
    """Distances at which a string says the same: `features`, or itself if that is None."""

    distances: Sequence[int]
    features: Extractor | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """Strings along the tokens; one `distance` tokens after a token says something about it.

    In a group without `features`, a string never met in training says nothing.
    """

    name: str
    groups: Sequence[Group]

    @property
    def distances(self) -> list[int]:
        """Those of all groups, in order."""
        return sorted(distance for group in self.groups for distance in group.distances)

    def prefix(self, distance: int) -> str:
        """What names of features begin with, up to the colon, unlike at any other distance."""
        return f"{self.name}{distance}"

    def says(self, string: str, distance: int) -> list[str]:
        """The names of the features, unlike those of any other stream and distance."""
        features = next(group.features for group in self.groups if distance in group.distances)
        names = [string] if features is None else features(string)
        return [f"{self.prefix(distance)}:{name}" for name in names]


STREAMS = (
    Stream(
        "word",
        (
            Group((0,), _word),
            Group((-2, -1, 1, 2), _near_word),
            Group((-4, -3, 3, 4), _far_word),
        ),
    ),
    Stream("chunk", (Group((0,), _chunk),)),
    Stream("situation", (Group((0,), _situation),)),
    Stream("pair", (Group((-2, -1, 0, 1)),)),
    Stream("around", (Group((0,)),)),
    Stream("outlines", (Group((-1, 0)),)),
)


@dataclass(frozen=True, slots=True)
class Layout:
    """The streams of a reading, in the order of STREAMS; `places[i]` is where token i stands.

    At least WINDOW places at either end of a sequence are EDGE, so distances never leave it.
    """

    reading: Reading
    strings: tuple[list[str], ...]
    places: list[int]


def lay_out(reading: Reading) -> Layout:
    """Lay the streams along the tokens."""
    words: list[str] = [EDGE] * WINDOW
    lower, chunks, situations, outlines = (words.copy() for _ in range(4))
    places: list[int] = []
    said = _situations(reading)
    for start, end in reading.sequences:
        places += range(len(words), len(words) + end - start)
        for stream, part in (
            (words, reading.words),
            (lower, reading.lower),
            (chunks, reading.chunks),
            (situations, said),
            # Without case: pairs of outlines tell letters, digits and signs in a row; cased ones
            # did worse.
            (outlines, reading.outlines),
        ):
            stream += part[start:end]
            stream += [EDGE] * WINDOW
    partial = [EDGE if chunk == word else chunk for chunk, word in zip(chunks, words, strict=True)]
    pairs = [f"{word} {after}" for word, after in _neighbours(lower, 1)]
    around = [EDGE, *(f"{before} {after}" for before, after in _neighbours(lower, 2)), EDGE]
    both = [f"{word} {after}" for word, after in _neighbours(outlines, 1)]
    return Layout(reading, (words, partial, situations, pairs, around, both), places)


def _neighbours(strings: Sequence[str], distance: int) -> Iterable[tuple[str, str]]:
    return zip(strings, strings[distance:], strict=False)


def _situations(reading: Reading) -> list[str]:
    """Where each token stands: what it is glued to, in the title, in brackets, how often."""
    glued, counts = [*reading.glued, False], reading.counts
    return [
        _situation_string(
            glued[token],
            glued[token + 1],
            token < reading.title,
            depth if -1 <= depth <= 1 else (1 if depth > 0 else -1),
            often if often < _OFTEN else _OFTEN,
        )
        for token, (depth, often) in enumerate(
            zip(reading.depth, map(counts.__getitem__, reading.lower), strict=True)
        )
    ]


@cache
def _situation_string(before: bool, after: bool, title: bool, depth: int, often: int) -> str:
    return f"glue{before:d}{after:d} title{title:d} depth{depth} often{often}"


class TokenFeatures:
    """All features of tokens as strings, as CRFsuite is given them; keeps those of each string."""

    def __init__(self) -> None:
        self._says = [cache(stream.says) for stream in STREAMS]

    def of(self, layout: Layout, context: Sequence[Sequence[str]], token: int) -> list[str]:
        """The features of one token; `context` are those that `evidence` gives each token."""
        features = list(context[token])
        place = layout.places[token]
        for stream, says, strings in zip(STREAMS, self._says, layout.strings, strict=True):
            for distance in stream.distances:
                features += says(strings[place + distance], distance)
        return features
