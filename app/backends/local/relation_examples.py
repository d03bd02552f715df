"""What the relation model learns from: documents as annotated, and the same as they are found.

Found mentions come from a tagger and a linker that had not seen the document. Some are missing,
some wrong, many have no identifier: the model is to know how that looks.
"""

from collections.abc import Iterator, Sequence, Set
from itertools import product
from typing import NamedTuple, Self

import numpy as np

from app.backends.base import FoundMention
from app.backends.local.pair_reader import Row
from app.backends.local.priors import Pair, Priors
from app.backends.local.relation_choice import Truths
from app.backends.local.relation_features import PairFeatures, pair_features
from app.backends.local.scene import Concept, Located, Scene, concept_keys, read_scene
from app.corpora.documents import Document, MentionType


class Example(NamedTuple):
    """A text to learn from, and the pairs (chemical, disease) of its concepts that are related.

    `numbered` are the concepts with an identifier, the only ones that scores can tell of.
    """

    scene: Scene
    related: Set[Pair]
    numbered: Set[str]

    def truths(self, pairs: Sequence[PairFeatures]) -> Truths:
        """Whether each pair is related, and whether scores can tell."""
        keys = [
            (self.scene.chemicals[pair.chemical].key, self.scene.diseases[pair.disease].key)
            for pair in pairs
        ]
        return Truths(
            np.array([key in self.related for key in keys], np.bool_),
            np.array([self.numbered >= set(key) for key in keys], np.bool_),
        )


class Study(NamedTuple):
    """A document to learn from, as annotated and, if that is known, as found."""

    given: Example
    found: Example | None

    @classmethod
    def of(cls, document: Document, found: Sequence[FoundMention] | None) -> Self:
        """Read a document with, if somebody has looked for them, the mentions found in it."""
        related = {(each.chemical, each.disease) for each in document.relations}
        scene = read_scene(document.text, document.body_offset, document.mentions)
        given = Example(scene, related, _numbered(document.mentions))
        if found is None:
            return cls(given, None)
        scene = read_scene(document.text, document.body_offset, found)
        meant = _meant(document, scene, found)
        also = {
            (chemical.key, disease.key)
            for chemical, disease in product(scene.chemicals, scene.diseases)
            if any(pair in related for pair in product(meant[chemical.key], meant[disease.key]))
        }
        return cls(given, Example(scene, also, _numbered(found)))

    def rows(self, priors: Priors) -> Iterator[Row]:
        """Every pair with its answer; `priors` have counted the document and judge without it."""
        for example in filter(None, (self.given, self.found)):
            with priors.without(self.given.scene, self.given.related):
                pairs = list(pair_features(example.scene, priors))
            yield from zip(pairs, example.truths(pairs).right.tolist(), strict=True)


def counted(studies: Sequence[Study]) -> Priors:
    """What the annotated documents say of pairs; what was found in them adds nothing to that."""
    priors = Priors()
    for study in studies:
        priors.add(study.given.scene, study.given.related)
    return priors


def _numbered(mentions: Sequence[Located]) -> Set[str]:
    return {identifier for mention in mentions for identifier in mention.identifiers}


def _meant(document: Document, scene: Scene, found: Sequence[FoundMention]) -> dict[str, Set[str]]:
    """The annotated concepts that each found one stands for.

    An identifier stands for itself, right or wrong: that is how it will be scored. A concept
    without one is whatever its spans are annotated as.
    """
    annotated: dict[tuple[int, int, MentionType], tuple[str, ...]] = {
        (each.start, each.end, each.type): concept_keys(each, each.text)
        for each in document.mentions
    }

    def meaning(concept: Concept) -> Set[str]:
        mentions = [found[place.mention] for place in concept.places]
        if concept.key in mentions[0].identifiers:
            return {concept.key}
        spans = ((each.start, each.end, each.type) for each in mentions)
        return {concept.key, *(key for span in spans for key in annotated.get(span, ()))}

    return {each.key: meaning(each) for each in (*scene.chemicals, *scene.diseases)}
