"""Shards that a backend works on in a way of its own: what it is told when they come to nothing."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from app.backends.base import DEFAULT_OPTIONS, Annotations, BackendError, ExtractOptions
from app.backends.registry import Backends
from app.extraction_batches.service import ExtractionBatches
from app.prompts.tasks import Task
from tests.extraction_batches.test_jobs import Model, Room, room


class Hosted(Model):
    """Is never done with a batch, unless it is told to be."""

    def __init__(self) -> None:
        super().__init__()
        self.dropped: list[str] = []
        self.done = asyncio.Event()
        self.fails: list[BackendError] = []  # when it is told to drop one

    async def extract_batch(
        self,
        reference: str,
        model: str,
        texts: Sequence[str],
        tasks: frozenset[Task],
        options: ExtractOptions = DEFAULT_OPTIONS,
    ) -> list[Annotations | BackendError] | None:
        self.asked += len(texts)
        self.begun.set()
        await self.done.wait()
        return [Annotations((), ()) for _ in texts]

    async def drop_batch(self, reference: str) -> None:
        if self.fails:
            raise self.fails.pop()
        self.dropped.append(reference)


@asynccontextmanager
async def at_work(folder: Path) -> AsyncIterator[tuple[Room, Hosted, str, asyncio.Task[None]]]:
    """A batch of one shard, and the step that waits for it."""
    async with room(folder) as here:
        model = Hosted()
        here = replace(here, backends=Backends({model.name: model}), model=model)
        batch_id = await here.prepared(1)
        (shard,) = await here.active()
        step = asyncio.create_task(here.extract(shard))
        await model.begun.wait()
        yield here, model, batch_id, step


async def test_cancelled_it_is_dropped(tmp_path: Path) -> None:
    """Before the batch ends."""
    async with at_work(tmp_path) as (here, model, batch_id, step):
        (shard,) = await here.active()
        await here.cancel(batch_id)
        await asyncio.wait_for(step, 20)
        assert model.dropped == [shard]
        assert (await here.get(batch_id)).status == "cancelled"


async def test_cut_off_it_is_left_to_the_next_process(tmp_path: Path) -> None:
    """Unless it was cancelled meanwhile: then that one drops it, and asks about nothing."""
    async with at_work(tmp_path) as (here, model, batch_id, step):
        (shard,) = await here.active()
        step.cancel()
        await asyncio.wait({step})
        assert model.dropped == []
        assert (await here.cancel(batch_id)).status == "cancelling"
        await here.extract(shard)
        assert model.dropped == [shard]
        assert model.asked == 1
        assert (await here.get(batch_id)).status == "cancelled"


async def test_done_it_is_dropped_once_its_results_are_stored(tmp_path: Path) -> None:
    """By a step of its own, that is done though the process ends in between."""
    async with at_work(tmp_path) as (here, model, batch_id, step):
        (shard,) = await here.active()
        model.done.set()
        await asyncio.wait_for(step, 20)
        assert (await here.get(batch_id)).status == "succeeded"
        assert model.dropped == []
        await here.extract(shard)  # begun anew by the next process: there is nothing to ask
        assert model.asked == 1
        await here.tidy(shard)
        assert model.dropped == [shard]


async def test_of_a_deleted_batch_it_is_dropped_too(tmp_path: Path) -> None:
    """Wherever it may have been."""
    async with at_work(tmp_path) as (here, model, batch_id, step):
        (shard,) = await here.active()
        model.done.set()
        await asyncio.wait_for(step, 20)
        async with here.platform.work(write=True) as work:
            await ExtractionBatches(work).delete(batch_id)
        await here.tidy(shard)
        assert model.dropped == [shard]


async def test_broken_it_is_dropped(tmp_path: Path) -> None:
    """What it was asked may have been answered, and lie there."""
    async with at_work(tmp_path) as (here, model, _batch_id, step):
        (shard,) = await here.active()
        step.cancel()
        await asyncio.wait({step})
        await here.fail(shard)
        assert model.dropped == [shard]


async def test_a_backend_that_is_away_is_told_again(tmp_path: Path) -> None:
    """One that refuses is not, nor is it a reason for the job to fail."""
    async with at_work(tmp_path) as (here, model, _batch_id, step):
        (shard,) = await here.active()
        model.done.set()
        await asyncio.wait_for(step, 20)
        model.fails = [BackendError("backend_failed", "Refused.")]
        await here.tidy(shard)
        assert model.dropped == []
        model.fails = [BackendError("backend_unavailable", "Away.", retryable=True)]
        await here.tidy(shard)
        assert model.dropped == [shard]
