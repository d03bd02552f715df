"""The shards of a batch: which come next, what is stored of them, how results are read."""

import json
from pathlib import Path

import pytest

from app.extraction_batches import results as results_module
from app.extraction_batches import workflows
from app.extraction_batches.job_side import JobSide
from app.extraction_batches.lines import Results
from app.extraction_batches.results import KINDS, failures, stream
from app.extraction_batches.service import ExtractionBatches
from app.extraction_batches.workflows import batch_job
from tests.extraction_batches.test_jobs import SHARD, room


async def test_a_shard_that_breaks_down_costs_its_own_texts(tmp_path: Path) -> None:
    """Each of them has failed, and the batch goes on; also if its texts are gone."""
    async with room(tmp_path) as here:
        batch_id = await here.uploaded(b'"0"\n{broken\n"2"\n"3"\n"4"\n"5"\n')
        await here.prepare(batch_id)
        first, second, third = await here.active()
        await here.fail(first)
        await here.fail(first)
        await here.extract(second)
        async with here.platform.work(write=False) as work:
            ended = await JobSide(work).broken(third)
        assert ended is not None
        here.platform.blobs.delete(ended.input_blob)
        await here.fail(third)
        batch = await here.get(batch_id)
        assert (batch.status, batch.succeeded, batch.failed) == ("succeeded", 2, 4)
        page = await failures(here.platform, batch_id, None, 10)
        assert [(each.index, each.code) for each in page.items] == [
            (0, "internal_error"),
            (1, "malformed_json"),
            (4, "internal_error"),
            (5, "internal_error"),
        ]
        assert [line["index"] for line in await here.lines(batch_id)] == list(range(6))


async def test_a_server_that_answered_nothing_is_waited_for_less(tmp_path: Path) -> None:
    """An hour; a minute once a whole shard has failed, until one has not."""
    async with room(tmp_path) as here:
        await here.prepared(10)
        waited = []
        for failing, shard in zip((False, True, False, False), await here.active(), strict=False):
            async with here.platform.work(write=True) as work:
                plan = await JobSide(work).begin_shard(shard)
            assert plan is not None
            waited.append(plan.patience)
            await (here.fail if failing else here.extract)(shard)
        assert waited == [3600, 3600, 60, 3600]


async def test_the_first_that_wait_are_next(tmp_path: Path) -> None:
    """So that results can be read from the beginning, and a batch that is stopped has those."""
    async with room(tmp_path) as here:
        batch_id = await here.prepared(10 * SHARD)
        for shard in await here.active():
            await here.extract(shard)
        await here.cancel(batch_id)
        assert [line["index"] for line in await here.lines(batch_id)] == list(range(8 * SHARD))


@pytest.mark.parametrize("store_text", [True, False])
async def test_results_that_come_after_the_cancellation_are_not_stored(
    tmp_path: Path, store_text: bool
) -> None:
    """Nor are the texts of a shard that are not to be kept."""
    async with room(tmp_path) as here:
        batch_id = await here.uploaded(b'"0"\n', store_text=store_text)
        await here.prepare(batch_id)
        (shard,) = await here.active()
        async with here.platform.work(write=True) as work:
            plan = await JobSide(work).begin_shard(shard)
        assert plan is not None
        await here.cancel(batch_id)
        results = Results(lines=[b"{}\n"], succeeded=1)
        await workflows._store(here.platform, shard, batch_id, results)
        batch = await here.get(batch_id)
        assert (batch.status, batch.succeeded) == ("cancelled", 0)
        stored = [each.name for each in here.platform.blobs.stored()]
        assert stored == ([plan.input_blob] if store_text else [])


async def test_nothing_is_stored_of_input_that_cannot_be_read(tmp_path: Path) -> None:
    """But the reason; told again, nothing changes."""
    async with room(tmp_path) as here:
        batch_id = await here.add(5)
        for code in ("no_documents", "internal_error"):
            await batch_job(here.platform).fail(batch_id, code, "No.")
        batch = await here.get(batch_id)
        assert batch.error is not None
        assert (batch.status, batch.error.code) == ("failed", "no_documents")
        assert list(here.platform.blobs.stored()) == []


async def test_results_of_many_shards_are_read_page_by_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each document once, in every format; and so are failures, each once."""
    monkeypatch.setattr(results_module, "_SHARDS_AT_ONCE", 2)
    monkeypatch.setattr(results_module, "_SHARDS_OF_A_PAGE", 1)
    async with room(tmp_path) as here:
        batch_id = await here.uploaded(b'"a"\n{\n{\n{\n"b"\n"c"\n{\n"d"\n')
        await here.prepare(batch_id)
        for shard in await here.active():
            await here.extract(shard)
        assert [line["index"] for line in await here.lines(batch_id)] == list(range(8))
        async with here.platform.work(write=False) as work:
            batch = await ExtractionBatches(work).finished(batch_id)
        sent = b"".join([part async for part in stream(here.platform, batch, KINDS["bioc_json"])])
        assert [each["id"] for each in json.loads(sent)["documents"]] == list("01234567")
        found, cursor = [], None
        for _ in range(6):
            page = await failures(here.platform, batch_id, cursor, 1)
            found += [each.index for each in page.items]
            if (cursor := page.next_cursor) is None:
                break
        assert (found, cursor) == ([1, 2, 3, 6], None)
