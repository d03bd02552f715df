"""Cuts the input of a batch into shards: one blob of texts each, and a list of them all.

Runs in a process of its own and streams. The same input gives the same blobs, so that it can be
repeated at any time; what is wrong with the input as a whole is its result.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from app.corpora import unpack
from app.corpora.problems import problem
from app.extraction_batches.entries import Entry, dumps
from app.extraction_batches.reading import read_documents, read_jsonl
from app.platform.blobs import Blobs
from app.platform.lines import iterate


@dataclass(frozen=True)
class CutRequest:
    """What to cut; plain data, so that it can go to another process.

    Either the blob of an upload, or (name, blob) of splits. `size` is texts a shard, `most` in all.
    """

    batch_id: str
    upload: str | None
    splits: Sequence[tuple[str, str]]
    size: int
    most: int
    max_characters: int
    limits: unpack.Limits
    blobs: Blobs
    store_text: bool = True


@dataclass(frozen=True)
class CutResult:
    """The blob that lists the shards (lines of `Piece`) and the number of documents.

    Or a code and a sentence that say why there is none.
    """

    listed: str = ""
    documents: int = 0
    fault: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """One shard: which texts, and the blob they are in."""

    position: int
    first: int
    documents: int
    blob: str


class _InputError(Exception):
    """There can be no batch of this input; code and message are for clients."""


def cut(request: CutRequest) -> CutResult:
    """Write all shards, then the list of them."""
    documents = 0
    try:
        with request.blobs.writer(request.batch_id) as listed:
            for piece in _pieces(request):
                documents += piece.documents
                line = [piece.position, piece.first, piece.documents, piece.blob]
                listed.write(json.dumps(line).encode() + b"\n")
            if not documents:
                raise _InputError("no_documents", "There is no document in the input.")
    except _InputError as error:
        code, message = error.args
        return CutResult(fault=(code, message))
    except unpack.UnpackError as error:
        return CutResult(fault=(error.code, f"The upload: {problem(error.code).message}."))
    return CutResult(listed.key, documents)


def read_pieces(lines: Iterable[bytes]) -> Iterator[Piece]:
    """The shards of a list that `cut` wrote, in order."""
    return (Piece(*json.loads(line)) for line in lines)


def _pieces(request: CutRequest) -> Iterator[Piece]:
    entries, first = _entries(request), 0
    position = 0
    while texts := list(islice(entries, request.size)):
        if first + len(texts) > request.most:
            raise _InputError("too_many_documents", f"There are more than {request.most}.")
        with request.blobs.writer(request.batch_id) as out:
            out.write(b"".join(map(dumps, texts)))
        if not request.store_text:
            # Another machine may be the one that asks about them, and forgets them.
            request.blobs.objects.drop_copy(out.key)
        yield Piece(position, first, len(texts), out.key)
        position, first = position + 1, first + len(texts)


def _entries(request: CutRequest) -> Iterator[Entry]:
    if request.upload is None:
        splits = ((name, iterate([request.blobs.fetch(blob)])) for name, blob in request.splits)
        yield from read_documents(splits, request.max_characters)
        return
    for _, stream in unpack.members(request.blobs.fetch(request.upload), "", request.limits):
        yield from read_jsonl(stream, request.max_characters)
