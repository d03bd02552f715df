"""Looks names up in the index of a vocabulary."""

from functools import lru_cache
from pathlib import Path
from typing import Self

from app.corpora.documents import MentionType
from app.terminology.names import keys
from app.terminology.reader import IndexReader
from app.terminology.remembering import LONGEST
from app.terminology.schema import hashed
from app.terminology.similarity import most_similar

_CACHED = 20_000


class Vocabulary:
    """The names and concepts of one index; safe to use from several threads at once.

    Every method raises VocabularyError: `index_corrupt`, or `index_closed` after `close`.
    """

    def __init__(self, reader: IndexReader) -> None:
        """Of an open index, which `close` closes."""
        self._reader = reader
        self._exact = lru_cache(_CACHED)(self._look_up)
        self._nearest = lru_cache(_CACHED)(self._search)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the index, only to read; it must not change while it is open.

        Raises VocabularyError: `index_missing`, `index_foreign`, `index_outdated`, `index_corrupt`.
        """
        return cls(IndexReader.open(path))

    def exact(self, type_: MentionType, name: str) -> tuple[str, ...]:
        """The identifier of the concept that has this name, by the strictest key that matches.

        Of several concepts the one that is called so first, else that of the smallest identifier;
        () if there is none.
        """
        return (self._exact if len(name) <= LONGEST else self._look_up)(type_, name)

    def nearest(self, type_: MentionType, name: str) -> tuple[tuple[str, ...], float] | None:
        """The identifier of the most similar name and how similar it is, above 0 to 1.

        See `app.terminology.similarity`; None if nothing is similar at all.
        """
        return (self._nearest if len(name) <= LONGEST else self._search)(type_, name)

    def preferred_name(self, identifier: str) -> str | None:
        """What the concept is called first, or None if it is not here."""
        return self._reader.preferred_name(identifier)

    def close(self) -> None:
        """Close the file. Safe to repeat."""
        self._reader.close()
        self._exact.cache_clear()
        self._nearest.cache_clear()

    def _look_up(self, type_: MentionType, name: str) -> tuple[str, ...]:
        for key in keys(name):
            if identifier := self._reader.concept(hashed(type_, key)):
                return (identifier,)
        return ()

    def _search(self, type_: MentionType, name: str) -> tuple[tuple[str, ...], float] | None:
        found = most_similar(self._reader, type_, name)
        return found and ((found[0],), found[1])
