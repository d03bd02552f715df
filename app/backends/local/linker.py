"""From mentions to concepts, by what the same words meant in training.

A mention gets the identifiers its surface had most often, looked up as written, then without regard
to case, then without regard to plural, hyphens and spaces. An abbreviation the text defines means
what its long form means. The identifiers of a composite mention stay together.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from app.backends.base import FoundMention
from app.backends.local.arrays import State, pack_strings, unpack_strings
from app.backends.local.lexicon import folded
from app.backends.local.reading import Reading, read
from app.backends.local.tokens import tokenize
from app.corpora.documents import Document, MentionType

Identifiers = tuple[str, ...]


class Linker:
    """The identifiers of every form of every training mention, by type."""

    def __init__(self, known: Mapping[str, Identifiers]) -> None:
        self._known = known

    @classmethod
    def train(cls, documents: Sequence[Document]) -> Self:
        """Learn from annotated documents; mentions without identifiers vote for having none."""
        votes: dict[str, Counter[Identifiers]] = {}
        for document in documents:
            for mention in document.mentions:
                for form in _forms(mention.type, mention.text):
                    votes.setdefault(form, Counter())[mention.identifiers] += 1
        return cls({form: _winner(counter) for form, counter in votes.items()})

    def link(self, text: str, mentions: Sequence[FoundMention]) -> list[FoundMention]:
        """The mentions of the text with identifiers, none where the words are new."""
        aliases = _aliases(text, read(text))
        linked = []
        for mention in mentions:
            surface = text[mention.start : mention.end]
            names = (*aliases.get(surface, ()), surface)
            candidates = (self._identifiers(mention.type, name) for name in names)
            linked.append(replace(mention, identifiers=next(filter(None, candidates), ())))
        return linked

    def state(self) -> State:
        """Everything learnt, as arrays."""
        return {
            "forms": pack_strings(self._known),
            "identifiers": pack_strings(json.dumps(each) for each in self._known.values()),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[np.generic]]) -> Self:
        """The inverse of `state`."""
        identifiers = map(json.loads, unpack_strings(state["identifiers"]))
        return cls(dict(zip(unpack_strings(state["forms"]), map(tuple, identifiers), strict=True)))

    def _identifiers(self, type_: MentionType, surface: str) -> Identifiers:
        return next((self._known[f] for f in _forms(type_, surface) if f in self._known), ())


def _forms(type_: MentionType, surface: str) -> tuple[str, str, str]:
    """The surface as written, in lower case, and as its words alone, each marked with its kind."""
    words = (token.text for token in tokenize(surface) if token.text.isalnum())
    return (
        f"{type_}=:{surface}",
        f"{type_}~:{' '.join(surface.lower().split())}",
        f"{type_}-:{''.join(folded(word).lower() for word in words)}",
    )


def _winner(votes: Counter[Identifiers]) -> Identifiers:
    """The most frequent; of equals the first in order, so that training twice gives the same."""
    return min(votes, key=lambda identifiers: (-votes[identifiers], identifiers))


def _aliases(text: str, reading: Reading) -> dict[str, list[str]]:
    """For the short form of each definition in the text its long form."""
    aliases: dict[str, list[str]] = {}
    for definition in reading.definitions.values():
        long, short = (
            text[reading.spans[start][0] : reading.spans[end - 1][1]]
            for start, end in (definition.long, definition.short)
        )
        aliases.setdefault(short, []).append(long)
    return aliases
