"""Where the bytes of a batch lie: a store away or full, a batch deleted while it is read."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from app.extraction_batches import results
from app.extraction_batches.results import KINDS, stream
from app.extraction_batches.schemas import ResultFormat
from app.extraction_batches.service import ExtractionBatches
from app.platform.blobs import Blobs
from app.platform.errors import ApiError
from app.platform.objects import Folder
from app.platform.settings import Settings
from tests.api.conftest import running
from tests.extraction_batches.test_jobs import SHARD, Room, room


class Moody(Folder):
    """A folder that refuses the next few reads and writes, with a code."""

    code = "storage_unavailable"
    reads = writes = 0

    async def local(self, name: str) -> Path:
        if self.reads:
            self.reads -= 1
            raise ApiError(self.code, "No.")
        return await super().local(name)

    def keep(self, file: Path, name: str) -> None:
        if self.writes:
            self.writes -= 1
            raise ApiError(self.code, "No.")
        super().keep(file, name)


@asynccontextmanager
async def moody_room(folder: Path) -> AsyncIterator[tuple[Room, Moody]]:
    async with room(folder) as here:
        store = Moody(folder / "blobs")
        yield replace(here, platform=replace(here.platform, blobs=Blobs(store))), store


async def test_a_store_that_is_away_ends_no_batch(tmp_path: Path) -> None:
    """The step is left to the job engine, which takes it again."""
    async with moody_room(tmp_path) as (here, store):
        batch_id = await here.prepared(1)
        (shard,) = await here.active()
        store.reads = 1
        with pytest.raises(ApiError, match="No"):
            await here.extract(shard)
        assert (await here.get(batch_id)).status == "running"
        await here.extract(shard)
        assert (await here.get(batch_id)).status == "succeeded"


async def test_what_was_answered_waits_for_the_store(tmp_path: Path) -> None:
    """No text is asked about again."""
    async with moody_room(tmp_path) as (here, store):
        batch_id = await here.prepared(1)
        (shard,) = await here.active()
        store.writes = 1
        await here.extract(shard)
        assert (await here.get(batch_id)).status == "succeeded"
        assert here.model.asked == 1


async def test_a_full_disk_ends_the_batch(tmp_path: Path) -> None:
    """What is done is kept, and the model is not asked in vain about all the rest."""
    async with moody_room(tmp_path) as (here, store):
        batch_id = await here.prepared(40)
        first, second, *_ = await here.active()
        await here.extract(first)
        store.code, store.writes = "storage_full", 1
        await here.extract(second)
        batch = await here.get(batch_id)
        assert (batch.status, batch.succeeded, batch.failed) == ("failed", SHARD, 0)
        assert batch.error is not None
        assert batch.error.code == "storage_full"
        assert await here.active() == []


async def test_an_upload_written_as_shards_are(tmp_path: Path) -> None:
    """It is the same blob as its only shard, and is not removed as an upload that has been read."""
    line = b'{"index":0,"id":"a","text":"Tremor."}\n'
    async with room(tmp_path) as here:
        batch_id = await here.uploaded(line)
        await here.prepare(batch_id)
        (shard,) = await here.active()
        await here.extract(shard)
        batch = await here.get(batch_id)
        assert (batch.status, batch.succeeded) == ("succeeded", 1)
        (done,) = await here.lines(batch_id)
        assert done["id"] == "a"


@pytest.mark.parametrize("looked_up", [1, 2])
@pytest.mark.parametrize("format_", ["jsonl", "pubtator"])
async def test_deleted_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format_: ResultFormat, looked_up: int
) -> None:
    """What was sent by then does not end as if it were all: the next shard's row is gone, or the
    file of one whose row had been read."""
    monkeypatch.setattr(results, "_SHARDS_AT_ONCE", looked_up)
    async with room(tmp_path) as here:
        batch_id = await here.prepared(2 * SHARD)
        for shard in await here.active():
            await here.extract(shard)
        async with here.platform.work(write=False) as work:
            batch = await ExtractionBatches(work).finished(batch_id)
        sent = stream(here.platform, batch, KINDS[format_])
        while not await anext(sent):
            pass  # a head of nothing
        async with here.platform.work(write=True) as work:
            await ExtractionBatches(work).delete(batch_id)
        with pytest.raises(ApiError, match="extraction batch"):
            await anext(sent)


async def test_an_upload_that_may_be_committed_is_kept(tmp_path: Path) -> None:
    """The database goes away at the commit: whether it has taken effect is not known."""
    settings = Settings(data_dir=tmp_path, _env_file=None)
    async with running(settings) as client:
        app = client._transport.app  # type: ignore[attr-defined]
        engine = app.state.platform.database._engine.sync_engine
        writes: list[str] = []

        def away(*_: object) -> None:
            if writes:
                raise OperationalError("COMMIT", None, Exception())

        def look(_c: object, _cursor: object, statement: str, *_: object) -> None:
            if statement.startswith("INSERT INTO extraction_batches"):
                writes.append(statement)

        event.listen(engine, "before_cursor_execute", look)
        event.listen(engine, "commit", away)
        answer = await client.post(
            "/v1/extraction-batches",
            data={"model": "local:rules"},
            files={"file": ("texts.jsonl", b'"Tremor."\n')},
        )
        writes.clear()
        assert answer.json()["code"] == "database_unavailable"
        (kept,) = app.state.platform.blobs.stored()
        assert kept.bytes == 10
