"""A text as the relation model reads it: its words, its sentences and the concepts they name.

A concept is one cluster of mentions: all mentions of one type that share an identifier. A mention
without an identifier is clustered by its folded surface, so that relations can be found between
concepts nobody has numbered; a composite mention belongs to each of its concepts.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from app.corpora.documents import NAME, MentionType
from app.corpora.tokens import sentences, token_spans


class Located(Protocol):
    """What both an annotated and a found mention are: a typed span of the text."""

    @property
    def start(self) -> int:
        """First code point."""

    @property
    def end(self) -> int:
        """Code point after the last."""

    @property
    def type(self) -> MentionType:
        """Chemical or Disease."""

    @property
    def identifiers(self) -> tuple[str, ...]:
        """The concepts it names; none if unknown."""


class Place(NamedTuple):
    """Where a concept is mentioned: tokens `start` to `end`, half open, in one sentence.

    `mention` is the index of the mention among those given.
    """

    start: int
    end: int
    sentence: int
    mention: int


@dataclass(frozen=True, slots=True)
class Concept:
    """One concept of the text; `places` in text order, never empty.

    `score` is the best probability of its mentions, 1 where they were given.
    """

    key: str
    places: tuple[Place, ...]
    score: float = 1.0

    def by_sentence(self) -> dict[int, list[Place]]:
        """Its places in each sentence that has any."""
        found: dict[int, list[Place]] = {}
        for place in self.places:
            found.setdefault(place.sentence, []).append(place)
        return found


# Pairs are counted in the product of the two sides: of a text that lists hundreds of concepts, the
# most mentioned ones are read.
_MOST_CONCEPTS = 40


@dataclass(frozen=True, slots=True)
class Scene:
    """`words` in lower case with `sentence_of` each; `covers[token]` is (type, end) of the mention.

    `sentences` are code point spans. `titled`: the first sentence is the title.
    """

    words: list[str]
    sentence_of: list[int]
    sentences: list[tuple[int, int]]
    covers: dict[int, tuple[MentionType, int]]
    chemicals: list[Concept]
    diseases: list[Concept]
    titled: bool


def read_scene(text: str, title_end: int, mentions: Sequence[Located]) -> Scene:
    """Read a text whose title is `text[:title_end]`, with mentions in text order."""
    tokens = token_spans(text)
    starts = [start for start, _ in tokens]
    spans = sentences(text, title_end)
    first_tokens = [bisect_left(starts, start) for start, _ in spans]
    sentence_of = [bisect_right(first_tokens, token) - 1 for token in range(len(tokens))]
    covers: dict[int, tuple[MentionType, int]] = {}
    places: dict[MentionType, dict[str, list[Place]]] = {"Chemical": {}, "Disease": {}}
    for index, mention in enumerate(mentions):
        start = max(0, bisect_right(starts, mention.start) - 1)
        end = max(start + 1, bisect_left(starts, mention.end))
        if start >= len(tokens):
            continue
        covers.update((token, (mention.type, end)) for token in range(start, end))
        place = Place(start, end, sentence_of[start], index)
        for key in concept_keys(mention, text[mention.start : mention.end]):
            places[mention.type].setdefault(key, []).append(place)
    scores = [getattr(mention, "score", None) for mention in mentions]
    return Scene(
        words=[text[start:end].lower() for start, end in tokens],
        sentence_of=sentence_of,
        sentences=spans,
        covers=covers,
        chemicals=_concepts(places["Chemical"], scores),
        diseases=_concepts(places["Disease"], scores),
        titled=bool(text[:title_end].strip()),
    )


def concept_keys(mention: Located, surface: str) -> tuple[str, ...]:
    """The clusters the mention belongs to: its identifiers, or its folded surface."""
    return tuple(dict.fromkeys(mention.identifiers)) or (NAME + " ".join(surface.lower().split()),)


def _concepts(places: dict[str, list[Place]], scores: Sequence[float | None]) -> list[Concept]:
    def best(found: Sequence[Place]) -> float:
        said = (scores[place.mention] for place in found)
        return max(1.0 if score is None else score for score in said)

    concepts = [Concept(key, tuple(found), best(found)) for key, found in places.items()]
    return sorted(concepts, key=lambda concept: -len(concept.places))[:_MOST_CONCEPTS]
