"""Teaching a linker: how near is near enough is learnt from names that were held out.

Each document is looked up by what the other folds know: were it among them, every name would be
known, and nothing could be learnt of those that are not.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from app.backends.base import FoundMention
from app.backends.local.known_names import KnownNames
from app.backends.local.linker import Linker, Lookup, TypeLinker
from app.backends.local.name_index import Identifiers
from app.backends.local.nearness import Nearness, Neighbourhood, Row
from app.corpora.documents import MENTION_TYPES, Document, MentionType
from app.corpora.scoring import Counts, score_concepts
from app.terminology.vocabulary import Vocabulary

_FOLDS = 5
# No name is near enough.
_NEVER = 2.0
_PROBABILITIES = (*(round(0.15 + 0.05 * step, 2) for step in range(10)), _NEVER)
_SIMILARITIES = (*(round(0.5 + 0.05 * step, 2) for step in range(10)), _NEVER)
# Where no vocabulary was there to learn it from.
_SIMILARITY = 0.85


@dataclass(frozen=True)
class _Held:
    """A document, and its names as those see them that do not know it."""

    document: Document
    lookups: dict[tuple[MentionType, str], Lookup]

    def rows(self, type_: MentionType) -> Iterator[Row]:
        """Each candidate of each mention that is not certain, and whether it was meant."""
        for mention in self.document.mentions:
            lookup = self.lookups[mention.type, self._surface(mention.start, mention.end)]
            if mention.type == type_ and lookup.certain is None:
                for candidate, values in lookup.rows:
                    yield values, candidate.identifiers == mention.identifiers

    def counts(self, type_: MentionType, choose: Callable[[Lookup], Identifiers]) -> Counts:
        """The concepts of the document, if each name's identifiers are chosen so."""
        found = [
            FoundMention(each.start, each.end, each.type, choose(self.lookups[type_, surface]))
            for each in self.document.mentions
            if each.type == type_ and (surface := self._surface(each.start, each.end))
        ]
        return score_concepts(self.document.mentions, found, type_)

    def _surface(self, start: int, end: int) -> str:
        return self.document.text[start:end]


def train_linker(documents: Sequence[Document], vocabularies: Sequence[Vocabulary] = ()) -> Linker:
    """Learn from annotated documents which names mean what, and how near a name must be.

    Both thresholds are those of the best document-level concept F1 on documents held out.
    """
    held = [each for fold in range(_FOLDS) for each in _held_out(documents, fold, vocabularies)]
    return Linker(
        {type_: _fitted(_plain(documents, type_), held, type_) for type_ in MENTION_TYPES}
    )


def link_held_out(
    documents: Sequence[Document],
    found: Sequence[Sequence[FoundMention]],
    vocabularies: Sequence[Vocabulary] = (),
) -> list[list[FoundMention]]:
    """The mentions found in each document, linked by what the documents of other folds teach."""
    linked: list[list[FoundMention]] = [[] for _ in documents]
    for fold in range(_FOLDS):
        others = [each for number, each in enumerate(documents) if number % _FOLDS != fold]
        linker = train_linker(others, vocabularies)
        for number in range(fold, len(documents), _FOLDS):
            linked[number] = linker.link(documents[number].text, found[number], vocabularies)
    return linked


def _plain(documents: Sequence[Document], type_: MentionType) -> TypeLinker:
    """One that knows the documents' names, and believes in no others."""
    known = KnownNames.train(documents, type_)
    return TypeLinker(known, Neighbourhood(known.index()), Nearness.train([]), _NEVER, _NEVER)


def _held_out(
    documents: Sequence[Document], fold: int, vocabularies: Sequence[Vocabulary]
) -> list[_Held]:
    """The documents of one fold, looked up by what all others know."""
    others = [each for number, each in enumerate(documents) if number % _FOLDS != fold]
    linker = Linker({type_: _plain(others, type_) for type_ in MENTION_TYPES})
    return [
        _Held(each, linker.look_up(each.text, each.mentions, vocabularies))
        for each in documents[fold::_FOLDS]
        if others
    ]


def _fitted(typed: TypeLinker, held: Sequence[_Held], type_: MentionType) -> TypeLinker:
    """The same with a sense of nearness and the best thresholds."""
    typed = replace(
        typed, nearness=Nearness.train(row for each in held for row in each.rows(type_))
    )
    typed = _best([replace(typed, probability=value) for value in _PROBABILITIES], held, type_)
    if any(lookup.similar[0] for each in held for lookup in each.lookups.values()):
        return _best([replace(typed, similarity=value) for value in _SIMILARITIES], held, type_)
    return replace(typed, similarity=_SIMILARITY)


def _best(tried: Sequence[TypeLinker], held: Sequence[_Held], type_: MentionType) -> TypeLinker:
    """The one of the highest F1; of equals the last, which believes the least."""
    scores = [
        sum((each.counts(type_, typed.choose) for each in held), Counts()).f1 for typed in tried
    ]
    return max(zip(scores, range(len(tried)), tried, strict=True))[2]
