"""What the document says about a token: the dictionary and the abbreviations.

Each function adds names of features to lists, one list a token.
"""

from collections.abc import Sequence

from app.backends.local.labels import position
from app.backends.local.lexicon import Counts, Lexicon, Match
from app.backends.local.reading import Reading
from app.corpora.documents import MENTION_TYPES

Context = list[list[str]]


def context_features(reading: Reading, lexicon: Lexicon, own: Counts) -> Context:
    """What dictionary and abbreviations say; `own` are the document's counts while training."""
    features: Context = [[] for _ in reading.words]
    matches = lexicon.matches(reading.folded, own)
    _add_matches(features, matches)
    _add_abbreviations(features, reading, matches)
    return features


def _kind(match: Match) -> str:
    """The commonest type of a dictionary string, by its initial."""
    counts = match.counts[:-1]
    return MENTION_TYPES[counts.index(max(counts))][0]


def _add_matches(features: Context, matches: Sequence[Match]) -> None:
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


def _add_abbreviations(features: Context, reading: Reading, matches: Sequence[Match]) -> None:
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
