"""For models that find names and know no more of them: neither concepts nor how sure they are.

Identifiers are looked up in vocabularies. A mention means what its own words mean, and an
abbreviation that the text defines what its long form means. A known precision nobody can look up.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock

from app.backends.base import Annotations, BackendError, ExtractOptions
from app.corpora.aliases import aliases
from app.corpora.documents import MentionType
from app.terminology.best import best_match
from app.terminology.vocabulary import Vocabulary

# Names less alike are of different things too often.
LEAST_SIMILARITY = 0.8

_open: dict[Path, Vocabulary] = {}
_lock = Lock()


def refuse_min_precision(options: ExtractOptions, *, hint: str | None = None) -> None:
    """Raise BackendError `min_precision_unavailable` if such a model is asked for it."""
    if options.min_precision is not None:
        raise BackendError(
            "min_precision_unavailable",
            "This model gives no scores that could tell how often it is right.",
            hint=hint,
        )


def opened(index: Path) -> Vocabulary:
    """The vocabulary in an index file, opened once; a file of this path never changes.

    Raises VocabularyError.
    """
    with _lock:
        if index not in _open:
            _open[index] = Vocabulary.open(index)
        return _open[index]


def close(index: Path) -> None:
    """Let go of an index file that is to be deleted."""
    with _lock:
        vocabulary = _open.pop(index, None)
    if vocabulary is not None:
        vocabulary.close()


async def linked(
    found: list[Annotations], texts: Sequence[str], options: ExtractOptions
) -> list[Annotations]:
    """The annotations of each text, with identifiers from the vocabularies asked for, if any."""
    if not options.vocabularies or not any(each.mentions for each in found):
        return found

    def link_all() -> list[Annotations]:
        vocabularies = [opened(index) for index in options.vocabularies]
        return [
            link(annotations, text, vocabularies)
            for annotations, text in zip(found, texts, strict=True)
        ]

    return await asyncio.to_thread(link_all)


def link(found: Annotations, text: str, vocabularies: Sequence[Vocabulary]) -> Annotations:
    """The annotations of one text; mentions that have identifiers keep them."""
    long_forms = aliases(text)
    known: dict[tuple[MentionType, str], tuple[str, ...]] = {}
    mentions = []
    for mention in found.mentions:
        surface = text[mention.start : mention.end]
        meant = mention.type, long_forms.get(surface, [surface])[0]
        if not mention.identifiers and meant not in known:
            known[meant] = _identifiers(vocabularies, *meant)
        mentions.append(replace(mention, identifiers=mention.identifiers or known[meant]))
    return replace(found, mentions=tuple(mentions))


def _identifiers(
    vocabularies: Sequence[Vocabulary], type_: MentionType, name: str
) -> tuple[str, ...]:
    """Of the first vocabulary that has the name, or else of the one that has the nearest."""
    for vocabulary in vocabularies:
        if identifiers := vocabulary.exact(type_, name):
            return identifiers
    identifiers, similarity = best_match(vocabularies, type_, [name])
    return identifiers if similarity >= LEAST_SIMILARITY else ()
