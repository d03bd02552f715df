"""Files written document by document, so that they may be sent while they are being made."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from app.corpora.documents import Document


@dataclass(frozen=True, slots=True)
class Parts:
    """A format's bytes: at the beginning, of one (split, document), between two, and at the end."""

    head: bytes
    document: Callable[[str | None, Document], bytes]
    between: bytes
    tail: bytes

    def of(self, documents: Iterable[tuple[str | None, Document]]) -> Iterator[bytes]:
        """A file of these documents, piece by piece."""
        yield self.head
        for number, (split, document) in enumerate(documents):
            yield (self.between if number else b"") + self.document(split, document)
        yield self.tail


def write_parts(
    parts: Parts, documents: Iterable[tuple[str | None, Document]], out: BinaryIO
) -> None:
    """Write a file of these documents."""
    for part in parts.of(documents):
        out.write(part)
