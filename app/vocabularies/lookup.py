"""What a name means in a vocabulary, for people who want to see what is in it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from anyio import to_thread

from app.backends.linking import opened
from app.corpora.documents import MentionType
from app.platform.work import Platform
from app.terminology.best import best_match
from app.terminology.concepts import VocabularyError
from app.vocabularies.schemas import FoundConcept, Lookup
from app.vocabularies.service import Vocabularies, local_indexes, unreadable

# Names less alike have nothing in common but some letters.
LEAST_SHOWN = 0.5


async def look_up(platform: Platform, key: str, name: str, types: Sequence[MentionType]) -> Lookup:
    """The concept of this very name, or else of the most similar one, for each type.

    `key` is a vocabulary's id or name. Raises ApiError `not_found`, `vocabulary_not_ready`.
    """
    async with platform.work(write=False) as work:
        blob = await Vocabularies(work).index(key)
    (index,) = await local_indexes(platform, [blob])
    return await to_thread.run_sync(_all, index, name, types)


def _all(index: Path, name: str, types: Sequence[MentionType]) -> Lookup:
    try:
        return Lookup(items=[found for type_ in types for found in _look_up(index, name, type_)])
    except VocabularyError as error:
        raise unreadable(error) from error


def _look_up(index: Path, name: str, type_: MentionType) -> Iterator[FoundConcept]:
    vocabulary = opened(index)
    identifiers, score = vocabulary.exact(type_, name), 1.0
    exact = bool(identifiers)
    if not exact:
        identifiers, score = best_match([vocabulary], type_, [name])
    for identifier in identifiers if score >= LEAST_SHOWN else ():
        yield FoundConcept(
            type=type_,
            identifier=identifier,
            preferred_name=vocabulary.preferred_name(identifier),
            match="exact" if exact else "similar",
            score=round(score, 4),
        )
