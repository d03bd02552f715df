"""Vocabularies: upload, look up, delete; and what a name stands for in other rooms."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from app.backends.linking import close
from app.corpora import unpack
from app.corpora.documents import MentionType
from app.notifications.service import Notifications
from app.platform.clock import new_id, now
from app.platform.errors import ApiError, invalid_field, not_found
from app.platform.leftovers import of_owners, owners_of
from app.platform.lineage import Lineage
from app.platform.pagination import Page, decode_id, encode_cursor
from app.platform.settings import Settings
from app.platform.shares import advance
from app.platform.unfinished import check_room
from app.platform.uploads import UploadedFile
from app.platform.work import Platform, Work
from app.tables import VocabularyRow
from app.terminology.concepts import VocabularyError
from app.terminology.formats import VocabularyFormat
from app.vocabularies.build import BuildRequest, BuildResult, Source
from app.vocabularies.present import present
from app.vocabularies.repository import VocabularyRepository
from app.vocabularies.schemas import (
    MOST_FILES,
    Vocabulary,
    VocabularyStatistics,
)

JOB = "vocabulary"
_ID = "voc_"


@dataclass(frozen=True)
class NewVocabulary:
    """What was sent; each file with its format, `format` if the client has named one for all."""

    id: str
    name: str
    type: MentionType | None
    format: VocabularyFormat | None
    files: Sequence[tuple[UploadedFile, str]]


class Vocabularies:
    """The vocabularies room's operations within one unit of work."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._rows = VocabularyRepository(work.session)

    async def create(self, new: NewVocabulary) -> Vocabulary:
        """Register uploaded files and have them indexed.

        Raises ApiError `conflict`, `too_many_jobs`.
        """
        if new.name.startswith(_ID):
            raise invalid_field("/name", "like_an_id", "A name must not look like an id.")
        await check_room(self._work)
        await self._work.one_at_a_time(f"vocabulary {new.name}")
        if (other := await self._rows.named(new.name)) is not None:
            detail = f"The vocabulary {other.id} has this name; it is {other.status}."
            raise ApiError("conflict", detail, hint="Choose another name, or delete that one.")
        row = VocabularyRow(
            id=new.id,
            name=new.name,
            type=new.type,
            files={
                "format": new.format and new.format.value,
                "items": [
                    {
                        "filename": file.filename,
                        "format": format_,
                        "sha256": file.sha256,
                        "bytes": file.bytes,
                        "blob": file.blob,
                    }
                    for file, format_ in new.files
                ],
            },
            status="building",
            created_at=now(),
        )
        await self._rows.add(row)
        self._work.start_job(JOB, row.id)
        return present(row)

    async def get(self, key: str) -> Vocabulary:
        """One vocabulary, by id or name. Raises ApiError `not_found`."""
        return present(await self._row(key))

    async def page(self, cursor: str | None, limit: int) -> Page[Vocabulary]:
        """Vocabularies, newest first."""
        rows = await self._rows.page(decode_id(cursor, "voc"), limit + 1)
        more = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
        return Page(items=[present(row) for row in rows[:limit]], next_cursor=more)

    async def index(self, key: str) -> str:
        """The blob of the index. Raises ApiError `not_found`, `vocabulary_not_ready`."""
        return self._index(await self._row(key))

    async def ready(self, keys: Sequence[str], pointer: str) -> list[str]:
        """Ids of the vocabularies of these names or ids, each once.

        Raises ApiError `invalid_request` for one there is not, at its place below `pointer`;
        `vocabulary_not_ready`.
        """
        found = await self._chosen(keys, pointer)
        for row in found:
            self._index(row)
        return [row.id for row in found]

    async def indexes(self, keys: Sequence[str], pointer: str) -> tuple[str, ...]:
        """The blobs of their indexes, in this order. Raises as `ready`."""
        return tuple(self._index(row) for row in await self._chosen(keys, pointer))

    async def indexes_of(self, vocabulary_ids: Sequence[str]) -> tuple[str, ...]:
        """Blobs of indexes by id, in this order; what something was built with is never gone."""
        if not vocabulary_ids:
            return ()
        rows = {row.id: row for row in await self._rows.of_ids(vocabulary_ids)}
        return tuple(self._index(rows[each]) for each in vocabulary_ids if each in rows)

    async def hold(self) -> None:
        """No vocabulary is deleted until this transaction ends."""
        await self._work.one_at_a_time("vocabularies in use")

    async def delete(self, key: str, lineage: Lineage, *, cascade: bool) -> None:
        """Remove a vocabulary. Raises ApiError `not_found`, `conflict`, `in_use`."""
        await self.hold()
        row = await self._row(key, lock=True)
        if row.status == "building":
            raise ApiError("conflict", "The vocabulary is still being built.")
        await lineage.release(self._work, "vocabulary", row.id, cascade=cascade)
        await self._rows.delete(row)
        self._delete_blobs(row.id)
        if row.blob is not None:
            # Last: until its file is gone, it may be opened anew.
            index = self._work.blobs.place(row.blob)
            self._work.after_commit(lambda: asyncio.to_thread(close, index))

    async def job_request(self, vocabulary_id: str) -> BuildRequest | None:
        """What its job has to index; None if there is nothing left to do."""
        row = await self._rows.get(vocabulary_id)
        if row is None or row.status != "building":
            return None
        format_ = row.files["format"]
        return BuildRequest(
            vocabulary_id=row.id,
            sources=tuple(_source(file) for file in row.files["items"]),
            format=format_ and VocabularyFormat(format_),
            type=cast(MentionType | None, row.type),
            blobs=self._work.blobs,
            limits=unpack_limits(self._work.settings),
        )

    async def advance(self, vocabulary_id: str, share: float) -> None:
        """Store how much has been indexed, 0 to 1; never less than before."""
        await advance(self._work.session, VocabularyRow, vocabulary_id, share)

    async def finish(self, vocabulary_id: str, result: BuildResult) -> None:
        """Store what was built; the uploaded bytes are then no longer needed."""
        if result.statistics is None:
            fault = result.fault or "The files could not be read."
            await self.fail(vocabulary_id, "invalid_vocabulary", fault)
            return
        row = await self._rows.lock(vocabulary_id)
        if row is None or row.status != "building":
            return
        row.status, row.progress = "ready", 1.0
        row.blob, row.sha256, row.bytes = result.blob, result.sha256, result.bytes
        row.statistics = VocabularyStatistics.model_validate(
            result.statistics, from_attributes=True
        ).model_dump()
        await self._end(row)
        uploaded = _uploads(row) - {result.blob}

        async def remove() -> None:
            for blob in uploaded:
                await asyncio.to_thread(self._work.blobs.delete, blob)

        self._work.after_commit(remove)

    async def fail(self, vocabulary_id: str, code: str, message: str) -> None:
        """Nothing came of it, and nothing is kept but the reason."""
        row = await self._rows.lock(vocabulary_id)
        if row is None or row.status != "building":
            return
        row.status, row.error_code, row.error_message = "failed", code, message
        await self._end(row)
        self._delete_blobs(vocabulary_id)

    async def blobs_in_use(self, keys: Sequence[str]) -> set[str]:
        """Of these blobs those that a row names, and all of a row whose job has not ended."""
        kept = of_owners(keys, await self._rows.unfinished())
        return kept | {row.blob or "" for row in await self._rows.of_ids(owners_of(keys))}

    async def unfinished(self) -> Sequence[str]:
        """Ids of vocabularies whose job has not ended."""
        return await self._rows.unfinished()

    async def _find(self, key: str) -> VocabularyRow | None:
        return await (self._rows.get if key.startswith(_ID) else self._rows.named)(key)

    async def _row(self, key: str, *, lock: bool = False) -> VocabularyRow:
        row = await self._find(key)
        if row is not None and lock:
            row = await self._rows.lock(row.id)
        if row is None:
            raise not_found("vocabulary", key)
        return row

    async def _chosen(self, keys: Sequence[str], pointer: str) -> list[VocabularyRow]:
        found: dict[str, VocabularyRow] = {}
        for place, key in enumerate(keys):
            if (row := await self._find(key)) is None:
                detail = "There is no vocabulary of this name or id."
                raise invalid_field(f"{pointer}/{place}", "unknown", detail)
            found[row.id] = row
        return list(found.values())

    def _index(self, row: VocabularyRow) -> str:
        if row.status != "ready" or row.blob is None:
            detail = f"The vocabulary {row.name} is {row.status}."
            raise ApiError("vocabulary_not_ready", detail)
        return row.blob

    async def _end(self, row: VocabularyRow) -> None:
        row.finished_at = now()
        await Notifications(self._work).announce(row)

    def _delete_blobs(self, vocabulary_id: str) -> None:
        async def remove() -> None:
            await asyncio.to_thread(self._work.blobs.delete_owner, vocabulary_id)

        self._work.after_commit(remove)


async def indexes(platform: Platform, keys: Sequence[str], pointer: str) -> tuple[Path, ...]:
    """The index files of these vocabularies, in this order. Raises as `Vocabularies.indexes`."""
    if not keys:
        return ()
    async with platform.work(write=False) as work:
        blobs = await Vocabularies(work).indexes(keys, pointer)
    return await local_indexes(platform, blobs)


async def local_indexes(platform: Platform, blobs: Sequence[str]) -> tuple[Path, ...]:
    """The index files of these blobs. Raises ApiError `vocabulary_not_ready` if one is gone."""
    try:
        return tuple([await platform.blobs.local(blob) for blob in blobs])
    except FileNotFoundError:
        raise ApiError(
            "vocabulary_not_ready", "The index is gone.", hint="Upload the vocabulary again."
        ) from None


def unreadable(error: VocabularyError) -> ApiError:
    """What a client is told of an index that was deleted a moment ago, or damaged, or outdated."""
    return ApiError("vocabulary_not_ready", error.detail, hint="Upload the vocabulary again.")


def unpack_limits(settings: Settings) -> unpack.Limits:
    """How much an upload may unpack to."""
    return unpack.Limits(
        total_bytes=settings.max_unpacked_bytes, ratio=settings.max_unpack_ratio, members=MOST_FILES
    )


def new_vocabulary_id() -> str:
    """An id for a vocabulary to come; its upload is stored under it."""
    return new_id("voc")


def _source(file: Mapping[str, Any]) -> Source:
    return Source(file["blob"], file["filename"], file["bytes"])


def _uploads(row: VocabularyRow) -> set[str]:
    return {file["blob"] for file in row.files["items"]}
