"""Results of a batch as files: read shard by shard and sent as they are read, in input order."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from app.corpora import bioc_json, bioc_xml, pubtator
from app.corpora.documents import Document, Passage, is_document_id
from app.corpora.parts import Parts
from app.extraction_batches.entries import Entry, loads
from app.extraction_batches.lines import read_failures
from app.extraction_batches.repository import BatchRepository
from app.extraction_batches.schemas import FailedDocument, ResultFormat
from app.extraction_batches.service import ExtractionBatches, Finished
from app.extractions.service import as_document
from app.platform.blobs import deleted_meanwhile
from app.platform.errors import ApiError
from app.platform.lines import iterate
from app.platform.pagination import Page, decode_offsets, encode_cursor
from app.platform.work import Platform
from app.tables import ExtractionShardRow

_CHUNK = 1 << 18
_SHARDS_AT_ONCE = 100
# Read for one page of failures; those beyond are on the next page.
_SHARDS_OF_A_PAGE = 20


@dataclass(frozen=True, slots=True)
class FileKind:
    """How a format is served; `parts` is None for the lines as they are stored."""

    media_type: str
    extension: str
    parts: Parts | None = None


KINDS: dict[ResultFormat, FileKind] = {
    "jsonl": FileKind("application/jsonl", ".jsonl"),
    "pubtator": FileKind("text/plain; charset=utf-8", ".pubtator.txt", pubtator.PARTS),
    "bioc": FileKind("application/xml", ".bioc.xml", bioc_xml.PARTS),
    "bioc_json": FileKind("application/json", ".bioc.json", bioc_json.PARTS),
}


async def stream(platform: Platform, batch: Finished, kind: FileKind) -> AsyncIterator[bytes]:
    """The file of all documents that are done. Raises ApiError `not_found` once the batch is
    deleted: what has been sent by then must not look like all of it."""
    pieces = _lines(platform, batch) if kind.parts is None else _file(platform, batch, kind.parts)
    async with deleted_meanwhile(partial(_get, platform, batch.id)), aclosing(pieces):
        async for piece in pieces:
            yield piece


async def _lines(platform: Platform, batch: Finished) -> AsyncGenerator[bytes, None]:
    async for shard in _shards(platform, batch.id):
        assert shard.result_blob is not None
        file = (await platform.blobs.local(shard.result_blob)).open("rb")
        with file:
            while chunk := await asyncio.to_thread(file.read, _CHUNK):
                yield chunk


async def _file(platform: Platform, batch: Finished, parts: Parts) -> AsyncGenerator[bytes, None]:
    yield parts.head
    begun = False
    async for shard in _shards(platform, batch.id):
        assert shard.result_blob is not None
        texts = await platform.blobs.local(shard.input_blob)
        results = await platform.blobs.local(shard.result_blob)
        written = await asyncio.to_thread(_written, texts, results, batch, parts)
        yield parts.between + written if begun else written
        begun = True
    yield parts.tail


async def failures(
    platform: Platform, batch_id: str, cursor: str | None, limit: int
) -> Page[FailedDocument]:
    """Failed documents of the shards that are done, in input order.

    Raises ApiError `not_found`, `invalid_cursor`.
    """
    # The cursor is `<shard's position>.<how many of its failures have been given>`.
    position, skip = decode_offsets(cursor, 2)
    if position > 2**31 - 1:
        raise ApiError("invalid_cursor", "The cursor is not one of this list.")
    async with platform.work(write=False) as work:
        await ExtractionBatches(work).get(batch_id)
        shards = await BatchRepository(work.session).done(
            batch_id, position, _SHARDS_OF_A_PAGE + 1, with_failures=True
        )
    items: list[FailedDocument] = []
    for shard in shards[:_SHARDS_OF_A_PAGE]:
        assert shard.result_blob is not None
        async with deleted_meanwhile(partial(_get, platform, batch_id)):
            path = await platform.blobs.local(shard.result_blob)
            found = await asyncio.to_thread(_failed, path)
        given = skip if shard.position == position else 0
        room = limit - len(items)
        items += found[given : given + room]
        if len(found) > given + room:
            more = f"{shard.position}.{given + room}"
            return Page(items=items, next_cursor=encode_cursor(more))
    following = shards[_SHARDS_OF_A_PAGE:]
    more_to_come = f"{following[0].position}.0" if following else None
    return Page(items=items, next_cursor=encode_cursor(more_to_come))


async def _get(platform: Platform, batch_id: str) -> None:
    async with platform.work(write=False) as work:
        await ExtractionBatches(work).get(batch_id)


async def _shards(platform: Platform, batch_id: str) -> AsyncIterator[ExtractionShardRow]:
    """Shards that are done, in order. Raises ApiError `not_found` once the batch is deleted."""
    position = 0
    while True:
        async with platform.work(write=False) as work:
            await ExtractionBatches(work).finished(batch_id)
            rows = BatchRepository(work.session)
            shards = await rows.done(batch_id, position, _SHARDS_AT_ONCE)
        for shard in shards:
            yield shard
        if len(shards) < _SHARDS_AT_ONCE:
            return
        position = shards[-1].position + 1


def _written(texts: Path, results: Path, batch: Finished, parts: Parts) -> bytes:
    pairs = zip(iterate([texts]), iterate([results]), strict=True)
    return parts.between.join(
        parts.document(entry.split, _document(entry, line, batch))
        for entry, line in ((loads(text), line) for text, line in pairs)
    )


def _document(entry: Entry, line: bytes, batch: Finished) -> Document:
    """A failed document has no annotations, and no text if its line could not be read."""
    passages: Sequence[Passage] = entry.passages or (Passage("abstract", 0, ""),)
    extraction = json.loads(line).get("extraction", {})
    return as_document(_writable(entry), passages, extraction, batch.offset_unit)


def _writable(entry: Entry) -> str:
    """Its id, or its index where no format of corpora can hold that."""
    name = entry.id.strip()
    return name if is_document_id(name) else str(entry.index)


def _failed(path: Path) -> list[FailedDocument]:
    return [
        FailedDocument(index=index, id=document_id, code=fault.code, message=fault.message)
        for index, document_id, fault in read_failures(iterate([path]))
    ]
