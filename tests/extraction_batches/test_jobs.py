"""The jobs of a batch, step by step: cut off, done twice, cancelled, and left by a crash."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.backends.base import (
    DEFAULT_OPTIONS,
    Annotations,
    BackendError,
    BaseModelInfo,
    ExtractOptions,
    FoundMention,
)
from app.backends.registry import Backends
from app.extraction_batches.cutting import cut, read_pieces
from app.extraction_batches.job_side import JobSide
from app.extraction_batches.results import KINDS, failures, stream
from app.extraction_batches.schemas import BatchRequest, ExtractionBatch
from app.extraction_batches.service import ExtractionBatches, new_batch_id
from app.extraction_batches.workflows import batch_job, shard_job
from app.main import create_app
from app.platform.errors import ApiError
from app.platform.lines import iterate
from app.platform.settings import Settings
from app.platform.uploads import UploadedFile
from app.platform.work import Platform
from app.prompts.tasks import Task
from tests.fine_tunes.serving import Backend

SHARD = 2


class Model(Backend):
    """Finds one mention in each text; `raises` comes instead, `holds` waits until it is set."""

    def __init__(self) -> None:
        super().__init__(lambda _: asyncio.sleep(0))
        self.raises: BackendError | None = None
        self.asked = 0
        self.begun, self.holds = asyncio.Event(), asyncio.Event()
        self.holds.set()

    async def base_models(self) -> Sequence[BaseModelInfo]:
        return [BaseModelInfo("m", "A model.", frozenset(Task))]

    async def extract(
        self,
        model: str,
        texts: Sequence[str],
        tasks: frozenset[Task],
        options: ExtractOptions = DEFAULT_OPTIONS,
    ) -> list[Annotations]:
        self.asked += len(texts)
        self.begun.set()
        await self.holds.wait()
        if self.raises is not None:
            raise self.raises
        return [
            Annotations((FoundMention(0, 1, "Chemical"),), input_tokens=3, output_tokens=2)
            for _ in texts
        ]


@dataclass
class Room:
    """The room without a job engine: tests take the steps."""

    platform: Platform
    backends: Backends
    model: Model

    async def add(self, texts: int) -> str:
        """A batch over so many texts that is queued."""
        return await self.uploaded("".join(f'"text {n}"\n' for n in range(texts)).encode())

    async def uploaded(self, lines: bytes, *, store_text: bool | None = None) -> str:
        """A batch over these lines that is queued."""
        batch_id = new_batch_id()
        async with self.platform.blobs.writer(batch_id) as out:
            out.write(lines)
        file = UploadedFile("file", "x", out.key, out.sha256, out.size)
        request = BatchRequest(model="chosen:m", tasks=[Task.CHEMICALS], store_text=store_text)
        async with self.platform.work(write=True) as work:
            batches = ExtractionBatches(work)
            await batches.create_from_upload(batch_id, request, file, self.backends)
        return batch_id

    async def prepared(self, texts: int) -> str:
        """The same, its shards made."""
        batch_id = await self.add(texts)
        await self.prepare(batch_id)
        return batch_id

    async def prepare(self, batch_id: str) -> None:
        (step,) = batch_job(self.platform).steps
        await step(batch_id)

    async def extract(self, shard_id: str) -> None:
        extract, _ = shard_job(self.platform, self.backends).steps
        await extract(shard_id)

    async def tidy(self, shard_id: str) -> None:
        _, tidy = shard_job(self.platform, self.backends).steps
        await tidy(shard_id)

    async def fail(self, shard_id: str) -> None:
        await shard_job(self.platform, self.backends).fail(shard_id, "internal_error", "Broke.")

    async def active(self) -> Sequence[str]:
        """What the sweep sees to: shards that should have a workflow."""
        return await shard_job(self.platform, self.backends).unfinished()

    async def get(self, batch_id: str) -> ExtractionBatch:
        async with self.platform.work(write=False) as work:
            return await ExtractionBatches(work).get(batch_id)

    async def cancel(self, batch_id: str) -> ExtractionBatch:
        async with self.platform.work(write=True) as work:
            return await ExtractionBatches(work).cancel(batch_id)

    async def lines(self, batch_id: str) -> list[dict[str, object]]:
        async with self.platform.work(write=False) as work:
            batch = await ExtractionBatches(work).finished(batch_id)
        sent = b"".join([part async for part in stream(self.platform, batch, KINDS["jsonl"])])
        return [json.loads(line) for line in sent.splitlines()]


@asynccontextmanager
async def room(folder: Path) -> AsyncIterator[Room]:
    settings = Settings(data_dir=folder, shard_documents=SHARD, _env_file=None)
    platform: Platform = create_app(settings).state.platform
    await platform.database.migrate()
    model = Model()
    yield Room(platform, Backends({model.name: model}), model)
    await platform.database.close()


async def test_the_window_is_bounded_and_the_end_of_one_starts_the_next(tmp_path: Path) -> None:
    """Eight are there until none waits; the last one ends the batch."""
    async with room(tmp_path) as here:
        batch_id = await here.prepared(2 * SHARD * 10 - 1)
        done: set[str] = set()
        while active := await here.active():
            assert len(active) == min(8, 20 - len(done))
            await here.extract(active[0])
            done.add(active[0])
        assert len(done) == 20
        batch = await here.get(batch_id)
        assert (batch.status, batch.succeeded, batch.usage.input_tokens) == ("succeeded", 39, 117)
        assert [line["index"] for line in await here.lines(batch_id)] == list(range(39))


async def test_a_shard_done_twice_counts_once(tmp_path: Path) -> None:
    """By two processes at a time, or once more when all is over."""
    async with room(tmp_path) as here:
        batch_id = await here.prepared(3)
        first, second = await here.active()
        await asyncio.gather(here.extract(first), here.extract(first))
        await here.extract(second)
        await here.extract(second)
        batch = await here.get(batch_id)
        assert (batch.status, batch.succeeded) == ("succeeded", 3)
        assert (batch.usage.input_tokens, batch.usage.output_tokens) == (9, 6)
        assert len(await here.lines(batch_id)) == 3


async def test_input_read_twice_makes_no_shard_twice(tmp_path: Path) -> None:
    """By two processes at a time; the upload is gone in the end."""
    async with room(tmp_path) as here:
        batch_id = await here.add(9)
        await asyncio.gather(here.prepare(batch_id), here.prepare(batch_id))
        await here.prepare(batch_id)
        assert (await here.get(batch_id)).documents == 9
        assert len(await here.active()) == 5


async def test_reading_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    """Shards that are there already are not added again."""
    async with room(tmp_path) as here:
        batch_id = await here.add(9)
        async with here.platform.work(write=True) as work:
            request = await JobSide(work).begin(batch_id)
        assert request is not None
        listed = here.platform.blobs.fetch(cut(request).listed)
        async with here.platform.work(write=True) as work:
            assert await JobSide(work).add(batch_id, list(read_pieces(iterate([listed])))[:2])
        await here.prepare(batch_id)
        for shard_id in await here.active():
            await here.extract(shard_id)
        assert [line["index"] for line in await here.lines(batch_id)] == list(range(9))


async def test_a_model_that_is_gone_ends_the_batch(tmp_path: Path) -> None:
    """What is done is kept; no text has failed for it."""
    async with room(tmp_path) as here:
        batch_id = await here.prepared(40)
        first, second, *_ = await here.active()
        await here.extract(first)
        here.model.raises = BackendError("model_not_found", "There is no such model.")
        await here.extract(second)
        batch = await here.get(batch_id)
        assert (batch.status, batch.succeeded, batch.failed) == ("failed", 2, 0)
        assert batch.error is not None
        assert batch.error.code == "model_not_found"
        assert await here.active() == []
        assert len(await here.lines(batch_id)) == 2
        async with here.platform.work(write=True) as work:
            await JobSide(work).stop(batch_id, "retired", "Another shard was told so later.")
        assert await here.get(batch_id) == batch


async def test_cancelling_stops_shards_at_work(tmp_path: Path) -> None:
    """Soon, and the batch ends with the last of them."""
    async with room(tmp_path) as here:
        batch_id = await here.prepared(40)
        first, second, *_ = await here.active()
        await here.extract(first)
        here.model.begun.clear()
        here.model.holds.clear()
        at_work = asyncio.create_task(here.extract(second))
        await here.model.begun.wait()
        assert (await here.cancel(batch_id)).status == "cancelling"
        assert await here.active() == [second]
        await asyncio.wait_for(at_work, 20)
        assert (await here.get(batch_id)).status == "cancelled"
        assert (await here.cancel(batch_id)).status == "cancelled"
        assert len(await here.lines(batch_id)) == 2


async def test_cancelled_before_its_input_is_read(tmp_path: Path) -> None:
    """Nothing is left but the row; its job has nothing to do."""
    async with room(tmp_path) as here:
        batch_id = await here.add(5)
        assert (await here.cancel(batch_id)).status == "cancelled"
        await here.prepare(batch_id)
        assert (await here.get(batch_id)).status == "cancelled"
        assert await here.lines(batch_id) == []
        async with here.platform.work(write=False) as work:
            stored = [each.name for each in here.platform.blobs.stored()]
            assert await ExtractionBatches(work).blobs_in_use(stored) == set()


async def test_what_a_crash_left_unstarted_is_found(tmp_path: Path) -> None:
    """Queued shards without a workflow, and batches none of whose shards are queued."""
    async with room(tmp_path) as here:
        batch_id = await here.prepared(40)
        for shard_id in await here.active():
            async with here.platform.work(write=True) as work:
                shard = await ExtractionBatches(work)._rows.shard(shard_id)
                assert shard is not None
                shard.status = "waiting"
        assert len(await here.active()) == 8
        assert await batch_job(here.platform).unfinished() == []
        queued = await here.add(2)
        assert await batch_job(here.platform).unfinished() == [queued]
        assert (await here.get(batch_id)).status == "running"


async def test_keys_of_blobs_are_known(tmp_path: Path) -> None:
    """All that is stored belongs to a row, and nothing else is."""
    async with room(tmp_path) as here:
        await here.prepared(5)
        for shard_id in await here.active():
            await here.extract(shard_id)
        await here.add(1)
        stored = [each.name for each in here.platform.blobs.stored()]
        async with here.platform.work(write=False) as work:
            assert await ExtractionBatches(work).blobs_in_use(stored) == set(stored)


async def test_a_batch_deleted_while_its_failures_are_read(tmp_path: Path) -> None:
    """Its files are gone, and so is it: that is told, and nothing breaks."""
    async with room(tmp_path) as here:
        batch_id = await here.uploaded(b'"fine"\n{broken\n')
        await here.prepare(batch_id)
        for shard in await here.active():
            await here.extract(shard)
        found = await failures(here.platform, batch_id, None, 10)
        assert [each.index for each in found.items] == [1]
        local = here.platform.blobs.local

        async def deleted(key: str) -> Path:
            async with here.platform.work(write=True) as work:
                await ExtractionBatches(work).delete(batch_id)
            return await local(key)

        here.platform.blobs.local = deleted  # type: ignore[method-assign]
        with pytest.raises(ApiError) as gone:
            await failures(here.platform, batch_id, None, 10)
        assert gone.value.code == "not_found"
