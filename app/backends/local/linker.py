"""From mentions to concepts: what the same words, or words much like them, meant in training.

A mention gets the identifiers its name had most often, looked up by ever looser keys (case, plural,
hyphens, word order, roots of words). An abbreviation the text defines means what its long form
means, one name of several things what each of them means. Vocabularies are asked too, and last a
name that is spelt like a known one means the same if that is probable enough. The identifiers of a
composite mention stay together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from app.backends.base import FoundMention
from app.backends.local.arrays import State, prefixed, section
from app.backends.local.known_names import KnownNames
from app.backends.local.name_index import Candidate, Identifiers
from app.backends.local.nearness import Nearness, Neighbourhood
from app.backends.local.scene import Located
from app.corpora.aliases import aliases
from app.corpora.documents import MENTION_TYPES, MentionType
from app.terminology.best import best_match
from app.terminology.coordination import coordinated
from app.terminology.remembering import LONGEST
from app.terminology.roots import canonical
from app.terminology.vocabulary import Vocabulary

# Keys that leave the words as they are; a vocabulary knows better than the looser ones.
_STRICT, _LOOSE = "=~-", "#@"
_SHORT_FORM = 6


@dataclass
class Lookup:
    """A name of a text: its identifiers if they are certain, else what is near it.

    `names` are its long forms, if the text defines any, and the surface itself. Without
    identifiers, `()` says that it means nothing and None that no one knows it.
    """

    type: MentionType
    names: tuple[str, ...]
    vocabularies: Sequence[Vocabulary]
    certain: Identifiers | None
    rows: list[tuple[Candidate, list[float]]] = field(default_factory=list)

    @cached_property
    def similar(self) -> tuple[Identifiers, float]:
        """What vocabularies have that is spelt most like it, and how similar that is, 0 to 1.

        Looked up when first asked for: it takes as long as all else. Raises VocabularyError.
        """
        if self.certain is not None:
            return (), 0.0
        return best_match(self.vocabularies, self.type, self.names)


@dataclass(frozen=True)
class TypeLinker:
    """What is known of one type of mention, and from where on a name near a known one is believed.

    `probability` is of a name spelt like one of training, `similarity` of one in a vocabulary.
    """

    known: KnownNames
    near: Neighbourhood
    nearness: Nearness
    probability: float
    similarity: float

    def choose(self, lookup: Lookup) -> Identifiers:
        """The identifiers of a name, none if nothing is probable enough."""
        if lookup.certain is not None:
            return lookup.certain
        answer = self.nearness.best(lookup.rows)
        if answer and answer.probability >= self.probability:
            return answer.identifiers
        identifiers, similarity = lookup.similar
        return identifiers if similarity >= self.similarity else ()

    def state(self) -> State:
        """Everything learnt, as arrays."""
        return {
            **prefixed("known", self.known.state()),
            **prefixed("nearness", self.nearness.state()),
            "least": np.array([self.probability, self.similarity]),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[np.generic]]) -> Self:
        """The inverse of `state`; ValueError if it was learnt from other features."""
        known = KnownNames.from_state(section("known", state))
        nearness = Nearness.from_state(section("nearness", state))
        probability, similarity = state["least"].astype(np.float64).tolist()
        return cls(known, Neighbourhood(known.index()), nearness, probability, similarity)


class Linker:
    """Gives mentions of both types their identifiers; may be used by several threads."""

    def __init__(self, types: Mapping[MentionType, TypeLinker]) -> None:
        self._types = types

    def link(
        self, text: str, mentions: Sequence[FoundMention], vocabularies: Sequence[Vocabulary] = ()
    ) -> list[FoundMention]:
        """The mentions of the text with identifiers, none where the words mean nothing known."""
        lookups = self.look_up(text, mentions, vocabularies)
        chosen = {key: self._types[key[0]].choose(lookup) for key, lookup in lookups.items()}
        return [
            FoundMention(
                each.start,
                each.end,
                each.type,
                chosen[each.type, text[each.start : each.end]],
                each.score,
                each.match,
            )
            for each in mentions
        ]

    def look_up(
        self, text: str, mentions: Sequence[Located], vocabularies: Sequence[Vocabulary]
    ) -> dict[tuple[MentionType, str], Lookup]:
        """Every name among the mentions, by type and surface."""
        long_forms = aliases(text)
        lookups: dict[tuple[MentionType, str], Lookup] = {}
        for each in mentions:
            surface = text[each.start : each.end]
            if (each.type, surface) not in lookups:
                names = (*long_forms.get(surface, ()), surface)
                certain = self._certain(each.type, names, vocabularies)
                lookups[each.type, surface] = Lookup(each.type, names, vocabularies, certain)
        elsewhere = {(each.type, each.certain) for each in lookups.values()}
        for lookup in lookups.values():
            if lookup.certain is None:
                known = {ids for type_, ids in elsewhere if type_ == lookup.type and ids}
                lookup.rows = self._near(lookup, known)
        return lookups

    def state(self) -> State:
        """Everything learnt, as arrays."""
        return {
            key: array
            for type_, typed in self._types.items()
            for key, array in prefixed(type_, typed.state()).items()
        }

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[np.generic]]) -> Self:
        """The inverse of `state`; ValueError if it was learnt from other features."""
        return cls({type_: TypeLinker.from_state(section(type_, state)) for type_ in MENTION_TYPES})

    def _certain(
        self, type_: MentionType, names: Sequence[str], vocabularies: Sequence[Vocabulary]
    ) -> Identifiers | None:
        known = self._types[type_].known
        for name in names:
            if identifiers := known.find(name, _STRICT):
                return identifiers
        for vocabulary in vocabularies:
            for name in names:
                if identifiers := vocabulary.exact(type_, name):
                    return identifiers
        for name in names:
            if identifiers := known.find(name, _LOOSE):
                return identifiers
        for parts in coordinated(names[-1]):
            meant = [self._certain(type_, (part,), vocabularies) for part in parts]
            if all(meant):
                return tuple(dict.fromkeys(each for part in meant if part for each in part))
        return known.find(names[-1])

    def _near(
        self, lookup: Lookup, elsewhere: set[Identifiers]
    ) -> list[tuple[Candidate, list[float]]]:
        near = self._types[lookup.type].near
        return [
            row
            for name in lookup.names
            # What is near is remembered: see there.
            if len(name) <= LONGEST and (words := canonical(name))
            for row in near.describe(words, name.isupper() and len(name) <= _SHORT_FORM, elsewhere)
        ]
