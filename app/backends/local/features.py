"""The features of a token, defined once: as strings, for training and for the fast path alike.

A stream is a string at every place along the tokens (the word, two words in a row, the run between
white space ...), each of which says something about the tokens near it. What a string says depends
on nothing else, so its weights can be summed once and kept. What depends on the document as a whole
is not here but in `evidence`.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from app.backends.local.lexicon import folded
from app.backends.local.reading import Reading

EDGE = "\n"  # the "word" beyond either end of a sequence; no token is white space
WINDOW = 4
_OFTEN = 4

Extractor = Callable[[str], Iterable[str]]

_GREEK = frozenset(
    ["alpha", "beta", "gamma", "delta", "epsilon", "kappa", "lambda", "mu", "omega", "sigma"]
)
_UPPER, _LOWER, _DIGIT = re.compile(r"[A-Z]"), re.compile(r"[^\W\d_A-Z]"), re.compile(r"\d")
_RUNS = re.compile(r"(.)\1+", re.DOTALL)


def shape(word: str) -> str:
    """Capitals as A, other letters as a, digits as 0, all else as it is."""
    return _UPPER.sub("A", _LOWER.sub("a", _DIGIT.sub("0", word)))


@lru_cache(maxsize=50_000)
def outline(word: str) -> str:
    """The shape with each run of one kind written once."""
    return _RUNS.sub(r"\1", shape(word))


def _identity(word: str) -> Iterable[str]:
    yield f"w={word.lower()}"


def _forms(word: str) -> Iterable[str]:
    yield f"o={word}"
    yield f"f={folded(word)}"
    yield f"s={shape(word)}"
    yield f"l={min(len(word), 12)}"
    if len(word) > 1 and word.isupper():
        yield "upper"
    if word.lower() in _GREEK:
        yield "greek"


def _outline(word: str) -> Iterable[str]:
    yield f"c={outline(word)}"


def _affixes(word: str) -> Iterable[str]:
    lower = word.lower()
    for length in range(2, min(5, len(lower)) + 1):
        yield f"p={lower[:length]}"
    for length in range(2, min(6, len(lower)) + 1):
        yield f"e={lower[-length:]}"


def _grams(word: str) -> Iterable[str]:
    marked = f"<{word.lower()}>"
    return (f"g={marked[start : start + 4]}" for start in range(len(marked) - 3))


def _ending(word: str) -> Iterable[str]:
    yield f"e={word.lower()[-3:]}"


# By distance from the token: what is said about the word there.
_EXTRACTORS: tuple[tuple[Extractor, ...], ...] = (
    (_identity, _forms, _outline, _affixes, _grams),
    (_identity, _outline, _ending),
    (_identity, _outline, _ending),
    (_identity,),
    (_identity,),
)


def _word(word: str, distance: int) -> Iterable[str]:
    if word == EDGE:
        return ("edge",)
    return (name for extract in _EXTRACTORS[abs(distance)] for name in extract(word))


def _chunk(chunk: str, _: int) -> Iterable[str]:
    if chunk != EDGE:
        lower = chunk.lower()
        yield f"w={lower}"
        yield f"c={outline(chunk)}"
        yield f"p={lower[:4]}"
        yield f"e={lower[-4:]}"


def _situation(situation: str, _: int) -> Iterable[str]:
    if situation != EDGE:
        yield ""
        yield from situation.split()


@dataclass(frozen=True, slots=True)
class Stream:
    """Strings along the tokens; one `distance` tokens after a token says `features` about it.

    Without `features` a string is itself the feature, and one never met in training says nothing.
    """

    name: str
    distances: Sequence[int]
    features: Callable[[str, int], Iterable[str]] | None = None

    def says(self, string: str, distance: int) -> list[str]:
        """The names of the features, unlike those of any other stream and distance."""
        prefix = f"{self.name}{distance}:"
        if self.features is None:
            return [prefix + string]
        return [prefix + name for name in self.features(string, distance)]

    def said_by(self, name: str) -> tuple[str, int] | None:
        """Of a stream without `features`: the string in a name, and the index of its distance."""
        if not name.startswith(self.name):
            return None
        distance, _, string = name.removeprefix(self.name).partition(":")
        return string, self.distances.index(int(distance))


STREAMS = (
    Stream("word", range(-WINDOW, WINDOW + 1), _word),
    Stream("chunk", (0,), _chunk),
    Stream("situation", (0,), _situation),
    Stream("pair", (-2, -1, 0, 1)),
    Stream("around", (0,)),
    Stream("outlines", (-1, 0)),
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
    lower, chunks, situations = words.copy(), words.copy(), words.copy()
    places: list[int] = []
    said = _situations(reading)
    for start, end in reading.sequences:
        places += range(len(words), len(words) + end - start)
        for stream, part in (
            (words, reading.words),
            (lower, reading.lower),
            (chunks, reading.chunks),
            (situations, said),
        ):
            stream += part[start:end]
            stream += [EDGE] * WINDOW
    # Without case: pairs of outlines tell letters, digits and signs in a row; cased ones did worse.
    outlines = [outline(word) for word in lower]
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
