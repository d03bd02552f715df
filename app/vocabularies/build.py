"""Builds the index of a vocabulary from the files that were uploaded.

Runs in a process of its own, streams, and does not raise for what is wrong with a file: that is its
result. It writes one blob and no rows, so that it can be repeated at any time.
"""

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from app.corpora import unpack
from app.corpora.documents import MentionType
from app.corpora.problems import problem
from app.platform.blobs import Blobs
from app.platform.progress import Reading, Tell, untold
from app.terminology.concepts import Concept, VocabularyError
from app.terminology.formats import HEAD, VocabularyFormat, detect, read
from app.terminology.index import IndexStatistics, build_index

_CHUNK = 1 << 20
# Of the time that a large vocabulary takes; the rest is sorting.
_READING = 0.85


@dataclass(frozen=True)
class Source:
    """One uploaded file."""

    blob: str
    filename: str
    bytes: int


@dataclass(frozen=True)
class BuildRequest:
    """What to index; it can go to another process.

    `format` and `type` hold for all files, if given.
    """

    vocabulary_id: str
    sources: tuple[Source, ...]
    format: VocabularyFormat | None
    type: MentionType | None
    blobs: Blobs
    limits: unpack.Limits


@dataclass(frozen=True)
class BuildResult:
    """The index's blob and what is in it, or the sentence that says why there is none."""

    blob: str = ""
    sha256: str = ""
    bytes: int = 0
    statistics: IndexStatistics | None = None
    fault: str | None = None


class _FileError(Exception):
    """A file cannot be read; the message is for clients."""


def formats(source: Source, blobs: Blobs, limits: unpack.Limits) -> list[VocabularyFormat | None]:
    """The formats of an uploaded file, or of each file in it, by their beginnings.

    Raises UnpackError.
    """
    return [_detect(name, stream) for name, stream in _members(source, blobs, limits)]


def build(request: BuildRequest, tell: Tell = untold) -> BuildResult:
    """Read all files and write the index.

    `tell` is told how far it is: the share of bytes read, of which there is some left to be sorted
    when all have been.
    """
    blobs = request.blobs
    # What is left of it by a process that died is removed with all that is no blob.
    unfinished = blobs.scratch(request.vocabulary_id, f"index-{os.getpid()}")
    try:
        statistics = build_index(_concepts(request, tell), unfinished)
        if not statistics.concepts:
            return BuildResult(fault="There is no chemical and no disease in the files.")
        with blobs.writer(request.vocabulary_id) as out, unfinished.open("rb") as index:
            while chunk := index.read(_CHUNK):
                out.write(chunk)
    except _FileError as error:
        return BuildResult(fault=str(error))
    finally:
        unfinished.unlink(missing_ok=True)
    return BuildResult(out.key, out.sha256, out.size, statistics)


def _concepts(request: BuildRequest, tell: Tell) -> Iterator[Concept]:
    sizes = [source.bytes for source in request.sources]
    reading = Reading(sizes, lambda share: tell(share * _READING))
    for source in request.sources:
        filename = source.filename
        try:
            members = _members(source, request.blobs, request.limits, reading.at)
            for filename, stream in members:
                format_ = request.format or _detect(filename, stream)
                if format_ is None:
                    raise _FileError(f"{filename}: the format was not recognised.")
                yield from read(stream, format_, request.type)
        except VocabularyError as error:
            place = f"{filename}, line {error.line}" if error.line is not None else filename
            raise _FileError(f"{place}: {error.detail}") from None
        except unpack.UnpackError as error:
            raise _FileError(f"{filename}: {problem(error.code).message}.") from None
        reading.end()


def _members(
    source: Source, blobs: Blobs, limits: unpack.Limits, told: unpack.Told = lambda _position: None
) -> Iterator[tuple[str, BinaryIO]]:
    return unpack.members(blobs.fetch(source.blob), source.filename, limits, told)


def _detect(filename: str, stream: BinaryIO) -> VocabularyFormat | None:
    """By the beginning of a stream, without taking it from there; its buffer's size bounds it."""
    assert isinstance(stream, io.BufferedReader)
    return detect(stream.peek(HEAD), filename)
