"""Looks names up in the index of a vocabulary."""

from pathlib import Path
from typing import Self

from app.corpora.documents import MentionType


class Vocabulary:
    """The names and concepts of one index; safe to use from several threads at once."""

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the index, only to read. Raises VocabularyError."""
        raise NotImplementedError

    def exact(self, type_: MentionType, name: str) -> tuple[str, ...]:
        """The identifier that the name is one of, by the strictest key that matches, or ()."""
        raise NotImplementedError

    def nearest(self, type_: MentionType, name: str) -> tuple[tuple[str, ...], float] | None:
        """The identifier of the most similar name and the similarity, 0 to 1; None if none is."""
        raise NotImplementedError

    def preferred_name(self, identifier: str) -> str | None:
        """What the concept is called first, or None if it is not here."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the file. Safe to repeat."""
        raise NotImplementedError
