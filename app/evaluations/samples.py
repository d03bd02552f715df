"""The documents to be evaluated, read one after the other from the splits of a dataset."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from app.corpora import canonical
from app.corpora.documents import Document
from app.platform.lines import iterate


@dataclass(frozen=True, slots=True)
class Sample:
    """A document, and where it lies: at a byte `offset` in the file of a `split` (its position)."""

    split: int
    offset: int
    document: Document

    @property
    def digest(self) -> bytes:
        """The sha256 of its text."""
        return _digest(self.document)


def read_samples(splits: Sequence[Path]) -> Iterator[Sample]:
    """All documents of these files of canonical lines, in order."""
    for split, path in enumerate(splits):
        with path.open("rb") as file:
            offset = 0
            for line in file:
                yield Sample(split, offset, canonical.loads(line))
                offset += len(line)


def read_document(path: Path, offset: int) -> Document:
    """The document of the line at a byte offset that `read_samples` gave."""
    with path.open("rb") as file:
        file.seek(offset)
        return canonical.loads(file.readline())


def digests(paths: Iterable[Path]) -> frozenset[bytes]:
    """The sha256 of the text of each document of these files."""
    return frozenset(_digest(canonical.loads(line)) for line in iterate(list(paths)))


def _digest(document: Document) -> bytes:
    return sha256(document.text.encode()).digest()
