"""What a dataset holds: its documents page by page, or all in another format, and its report.

No transaction is open meanwhile: the documents may have to be fetched first.
"""

import asyncio
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import BinaryIO, cast

from anyio import to_thread

from app.corpora import canonical
from app.corpora.documents import Document
from app.datasets import present
from app.datasets.formats import FORMATS
from app.datasets.schemas import DatasetDocument, DatasetReport
from app.datasets.service import Datasets, problems
from app.platform.blobs import deleted_meanwhile
from app.platform.errors import ApiError
from app.platform.lines import iterate, read_page
from app.platform.objects import storage_errors
from app.platform.pagination import Page, decode_offset, decode_offsets, encode_cursor
from app.platform.work import Platform


async def documents(
    platform: Platform, dataset_id: str, split: str | None, cursor: str | None, limit: int
) -> Page[DatasetDocument]:
    """Documents in file order: of one split, or of one after the other.

    Raises ApiError `not_found`, `dataset_not_ready`, `unknown_split`, `invalid_cursor`.
    """
    async with platform.work(write=False) as work:
        splits = await Datasets(work).split_sources(dataset_id, [split] if split else None)
    # The cursor is `<split's position>.<byte offset>`: one seek, wherever the page lies.
    position, start = decode_offsets(cursor, 2)
    if position >= max(1, len(splits)):
        raise ApiError("invalid_cursor", "The cursor is not one of this list.")
    name = splits[position].name

    def read(path: Path) -> tuple[list[DatasetDocument], int | None]:
        lines, following = read_page(path, start, limit)
        return [present.document(name, canonical.loads(line)) for line in lines], following

    async with _there(platform, dataset_id):
        path = await platform.blobs.local(splits[position].blob)
        items, following = await asyncio.to_thread(read, path)
    if following is None:
        position, following = position + 1, 0
    more = f"{position}.{following}" if position < len(splits) else None
    return Page(items=items, next_cursor=encode_cursor(more))


async def report(
    platform: Platform, dataset_id: str, cursor: str | None, limit: int
) -> DatasetReport:
    """One page of the validation report, in the order of the files.

    Raises ApiError `not_found`, `invalid_cursor`.
    """
    start = decode_offset(cursor)
    async with platform.work(write=False) as work:
        head, blob = await Datasets(work).report(dataset_id)
    if blob is None:
        return head
    async with _there(platform, dataset_id):
        items, following = await problems(platform.blobs, blob, start, limit)
    return head.model_copy(update={"items": items, "next_cursor": encode_cursor(following)})


async def export(
    platform: Platform, dataset_id: str, split: str | None, format_name: str
) -> BinaryIO:
    """A file of all documents, or of one split, in a format of `EXPORT_FORMATS`.

    It has no name, so that nothing is left of it however the request ends. Raises ApiError
    `not_found`, `dataset_not_ready`, `unknown_split`, `storage_full`.
    """
    async with platform.work(write=False) as work:
        sources = await Datasets(work).split_sources(dataset_id, [split] if split else None)
    async with _there(platform, dataset_id):
        files = [(source.name, await platform.blobs.local(source.blob)) for source in sources]
    write = FORMATS[format_name].write
    assert write is not None
    out = cast(BinaryIO, tempfile.TemporaryFile(dir=platform.scratch))  # noqa: SIM115
    try:
        async with _there(platform, dataset_id):
            with storage_errors():
                await to_thread.run_sync(write, _documents(files), out, limiter=platform.heavy)
    except BaseException:
        out.close()
        raise
    return out


def _there(platform: Platform, dataset_id: str) -> AbstractAsyncContextManager[None]:
    async def look() -> None:
        async with platform.work(write=False) as work:
            await Datasets(work).get(dataset_id)

    return deleted_meanwhile(look)


def _documents(files: Iterable[tuple[str, Path]]) -> Iterator[tuple[str | None, Document]]:
    for name, path in files:
        for line in iterate([path]):
            yield name, canonical.loads(line)
