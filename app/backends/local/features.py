"""The features of a token, defined once: as strings, for training and for the fast path alike.

Two kinds. `window_features` depend on one word (or chunk) and where it stands relative to the
token, so their weights can be summed once per distinct word and kept. `context_features` depend on
the document: neighbours taken together, brackets, the dictionary, abbreviations.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache

from app.backends.local.labels import position
from app.backends.local.lexicon import Counts, Lexicon, Match, folded
from app.backends.local.reading import Reading
from app.corpora.documents import MENTION_TYPES

EDGE = "\n"  # the "word" beyond either end of a sequence; no token is white space
WINDOW = 4
DISTANCES = range(-WINDOW, WINDOW + 1)

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
def short_shape(word: str) -> str:
    """The shape with each run of one kind written once."""
    return _RUNS.sub(r"\1", shape(word))


def _identity(word: str) -> Iterable[str]:
    return (f"w={word.lower()}",)


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
    return (f"c={short_shape(word)}",)


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
    return (f"e={word.lower()[-3:]}",)


# By distance from the token: what is said about the word there.
WORD_WINDOW: dict[int, tuple[Extractor, ...]] = {
    0: (_identity, _forms, _outline, _affixes, _grams),
    1: (_identity, _outline, _ending),
    2: (_identity, _outline, _ending),
    3: (_identity,),
    4: (_identity,),
}


def _chunk(chunk: str) -> Iterable[str]:
    lower = chunk.lower()
    yield f"w={lower}"
    yield f"c={short_shape(chunk)}"
    yield f"p={lower[:4]}"
    yield f"e={lower[-4:]}"


def window_features(word: str, distance: int) -> list[str]:
    """What a word `distance` tokens after (or, negative, before) a token says about that token."""
    if word == EDGE:
        return [f"{distance}edge"]
    extractors = WORD_WINDOW[abs(distance)]
    return [f"{distance}{name}" for extract in extractors for name in extract(word)]


def chunk_features(chunk: str) -> list[str]:
    """What the whole run between white space says about a token that is only part of it."""
    return [f"k{name}" for name in _chunk(chunk)]


class TokenFeatures:
    """All features of tokens as strings, as CRFsuite is given them; keeps those of each word."""

    def __init__(self) -> None:
        self._window = cache(window_features)
        self._chunk = cache(chunk_features)

    def of(
        self, reading: Reading, context: Sequence[Sequence[str]], start: int, end: int
    ) -> list[list[str]]:
        """The features of each token of one sequence; `context` as from `context_features`."""
        words = [EDGE] * WINDOW + reading.words[start:end] + [EDGE] * WINDOW
        features = []
        for token in range(start, end):
            names = list(context[token])
            for column, distance in enumerate(DISTANCES, token - start):
                names += self._window(words[column], distance)
            if reading.chunks[token] != reading.words[token]:
                names += self._chunk(reading.chunks[token])
            features.append(names)
        return features


def context_features(reading: Reading, lexicon: Lexicon, own: Counts) -> list[list[str]]:
    """The features of each token that depend on the document."""
    features = _surroundings(reading)
    _add_pairs(features, reading)
    matches = lexicon.matches([folded(word) for word in reading.words], own)
    _add_matches(features, matches)
    _add_abbreviations(features, reading, matches)
    return features


def _surroundings(reading: Reading) -> list[list[str]]:
    glue = [*reading.glued, False]
    return [
        [
            "bias",
            f"glue{glue[i]:d}{glue[i + 1]:d}",
            f"title{i < reading.title:d}",
            f"depth{min(max(reading.depth[i], -1), 1)}",
            f"often{min(reading.counts[word], 4)}",
        ]
        for i, word in enumerate(reading.lower)
    ]


def _add_pairs(features: list[list[str]], reading: Reading) -> None:
    for start, end in reading.sequences:
        words = [EDGE, EDGE, *reading.lower[start:end], EDGE, EDGE]
        outlines = [EDGE, EDGE, *map(short_shape, reading.words[start:end]), EDGE, EDGE]
        for i, token in enumerate(features[start:end], 2):
            before, word, after = words[i - 1], words[i], words[i + 1]
            token += (
                f"-1|0={before} {word}",
                f"0|1={word} {after}",
                f"-1|1={before} {after}",
                f"-2|-1={words[i - 2]} {before}",
                f"1|2={after} {words[i + 2]}",
                f"c-1|0={outlines[i - 1]} {outlines[i]}",
                f"c0|1={outlines[i]} {outlines[i + 1]}",
            )


def _kind(match: Match) -> str:
    """The commonest type of a dictionary string."""
    counts = match.counts[:-1]
    return MENTION_TYPES[counts.index(max(counts))][0]


def _add_matches(features: list[list[str]], matches: Sequence[Match]) -> None:
    for match in matches:
        kind = _kind(match)
        share = max(match.counts[:-1]) / match.counts[-1]
        purity = sum(share >= bound for bound in (0.3, 0.6, 0.8, 0.95))
        often = min(match.counts[-1], 8).bit_length()
        for token in range(match.start, match.end):
            letter = position(token, match.start, match.end)
            features[token] += (
                f"lex={kind}{letter}",
                f"lex={kind}{purity}{letter}",
                f"lex={kind}{purity}.{often}{letter}",
            )


def _add_abbreviations(
    features: list[list[str]], reading: Reading, matches: Sequence[Match]
) -> None:
    ends = {match.end: match for match in matches}
    for short, definition in reading.definitions.items():
        start, end = definition.long
        for token in range(start, end):
            features[token].append(f"long={position(token, start, end)}")
        said = [f"head={reading.lower[end - 1]}", f"head={reading.lower[end - 1][-4:]}~"]
        said += [f"first={reading.lower[start]}", f"first={reading.lower[start][-4:]}~"]
        said += [f"in={word}" for word in reading.lower[start:end]]
        if end in ends:
            said.append(f"type={_kind(ends[end])}{ends[end].start <= start:d}")
        for place, stop in reading.places(short):
            for token in range(place, stop):
                letter = position(token, place, stop)
                features[token] += ("short", f"short={letter}", *(f"short{x}" for x in said))


def add_stage_features(features: list[list[str]], reading: Reading, labels: Sequence[str]) -> None:
    """Add what an earlier CRF's labels say: here, nearby, and wherever the same word stands."""
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for word, label in zip(reading.lower, labels, strict=True):
        votes[word][label[2:]] += 1
    for start, end in reading.sequences:
        near = [EDGE, EDGE, *labels[start:end], EDGE, EDGE]
        for token in range(start, end):
            i = token - start + 2
            others = votes[reading.lower[token]] - Counter([labels[token][2:]])
            features[token] += (
                f"y0={near[i]}",
                f"y-1={near[i - 1]}",
                f"y1={near[i + 1]}",
                f"y-1|0|1={near[i - 1]} {near[i]} {near[i + 1]}",
                f"y-2={near[i - 2]}",
                f"y2={near[i + 2]}",
                f"vote={_vote(others)} {near[i][2:]}",
            )


def _vote(others: Counter[str]) -> str:
    """The type most occurrences of a word elsewhere were given, and how clearly."""
    mentions = [(count, kind) for kind, count in others.items() if kind]
    if not mentions:
        return f"none{min(others.total(), 2)}"
    count, kind = max(mentions)
    return f"{kind}{int(3 * count / others.total())}"
