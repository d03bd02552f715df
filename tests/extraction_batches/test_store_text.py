"""Batches that keep no texts: what is left of them, whenever their jobs are cut off."""

import asyncio
import hashlib
import hmac
import json
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.extraction_batches.forgetting import forget_texts
from app.extraction_batches.hashed import without_text
from app.extraction_batches.job_side import JobSide
from app.extraction_batches.service import ExtractionBatches
from app.extraction_batches.workflows import batch_job
from app.platform.access import EVERYWHERE, acting
from app.platform.storage import create_blobs
from app.tables import ExtractionBatchRow
from tests.extraction_batches.test_jobs import SHARD, Room, room
from tests.s3 import s3_server

SECRET = "zq7marker"
TEXT = f"Xylomab {SECRET} helped."


def lines(texts: int) -> bytes:
    return "".join(
        json.dumps({"id": f"d{n}", "text": f"{TEXT} {n}"}) + "\n" for n in range(texts)
    ).encode()


async def batch(here: Room, texts: int) -> str:
    """One that is queued and keeps no texts."""
    return await here.uploaded(lines(texts), store_text=False)


def left(folder: Path) -> list[str]:
    """Files with text in them, whatever they are called."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in found if SECRET.encode() in path.read_bytes()]


async def named(here: Room, batch_id: str) -> str | None:
    async with here.platform.work(write=False) as work:
        row = await work.session.get(ExtractionBatchRow, batch_id)
        assert row is not None
        return row.input_blob


def nothing(_key: str) -> None:
    """In place of a removal: as after a crash."""


async def forget(here: Room) -> None:
    """As the chore does."""
    with acting(EVERYWHERE):
        await forget_texts(here.platform)


def test_hashes_can_be_made_again_by_whoever_has_the_text() -> None:
    """By nobody else: the same name in another text has another hash."""
    text = "Aspirin causes ulcer."
    said = {
        "diseases": [{"text": "ulcer", "identifiers": ["MESH:D014456", "NAME:ulcer"]}],
        "chemicals": [{"text": "Aspirin", "identifiers": ["NAME:aspirin"]}],
        "relations": [
            {
                "chemical": "Aspirin",
                "disease": "ulcer",
                "chemical_identifiers": ["NAME:aspirin"],
                "disease_identifiers": ["NAME:ulcer"],
            }
        ],
        "ungrounded": [{"task": "chemicals", "text": "aspirin"}],
    }

    def expected(name: str) -> str:
        return "sha256:" + hmac.new(text.encode(), name.encode(), hashlib.sha256).hexdigest()

    found = without_text(json.dumps(said), text)
    assert found["diseases"] == [
        {"text": expected("ulcer"), "identifiers": ["MESH:D014456", f"NAME:{expected('ulcer')}"]}
    ]
    assert found["chemicals"] == [
        {"text": expected("Aspirin"), "identifiers": [f"NAME:{expected('aspirin')}"]}
    ]
    (relation,) = found["relations"]
    assert relation["chemical_identifiers"] == [f"NAME:{expected('aspirin')}"]
    assert (relation["chemical"], relation["disease"]) == (expected("Aspirin"), expected("ulcer"))
    assert relation["disease_identifiers"] == [f"NAME:{expected('ulcer')}"]
    assert found["ungrounded"] == [{"task": "chemicals", "text": expected("aspirin")}]
    other = without_text(json.dumps(said), f"{text} ")
    assert other["diseases"][0]["text"] != found["diseases"][0]["text"]


async def test_each_text_goes_as_soon_as_it_is_not_needed(tmp_path: Path) -> None:
    """The upload with the cut, a shard's texts with its results; in the end there is none."""
    async with room(tmp_path) as here:
        batch_id = await batch(here, 3 * SHARD)
        assert len(left(tmp_path)) == 1
        await here.prepare(batch_id)
        assert len(left(tmp_path)) == 3
        for done, shard_id in enumerate(await here.active(), start=1):
            await here.extract(shard_id)
            assert len(left(tmp_path)) == 3 - done
        found = await here.lines(batch_id)
        assert [line["id"] for line in found] == [f"d{n}" for n in range(3 * SHARD)]
        text = f"{TEXT} 0"
        assert found[0]["text_sha256"] == hashlib.sha256(text.encode()).hexdigest()
        assert await named(here, batch_id) is not None
        await forget(here)
        assert await named(here, batch_id) is None


@pytest.mark.parametrize("moment", ["queued", "running", "broken", "input"])
async def test_nothing_is_left_when_it_ends_otherwise(tmp_path: Path, moment: str) -> None:
    """Cancelled before and after its input is read, or broken down in either job."""
    async with room(tmp_path) as here:
        batch_id = await batch(here, 10 * SHARD)
        if moment == "input":
            await batch_job(here.platform).fail(batch_id, "internal_error", "Broke.")
        elif moment == "queued":
            await here.cancel(batch_id)
        else:
            await here.prepare(batch_id)
            first, *_ = await here.active()
            await (here.fail if moment == "broken" else here.extract)(first)
            await here.cancel(batch_id)
        await forget(here)
        assert left(tmp_path) == []
        assert await named(here, batch_id) is None
        assert (await here.get(batch_id)).finished_at is not None


async def test_what_a_crash_kept_from_being_removed_is_removed_later(tmp_path: Path) -> None:
    """After any commit; `medtune gc` would take the same files."""
    async with room(tmp_path) as here:
        batch_id = await batch(here, 3 * SHARD)
        delete = here.platform.blobs.delete
        here.platform.blobs.delete = nothing  # type: ignore[assignment,method-assign]
        await here.prepare(batch_id)
        first, second, third = await here.active()
        await here.extract(first)
        assert len(left(tmp_path)) == 4
        here.platform.blobs.delete = delete  # type: ignore[method-assign]
        await forget(here)
        assert len(left(tmp_path)) == 2
        here.platform.blobs.delete = nothing  # type: ignore[assignment,method-assign]
        await here.extract(second)
        await here.extract(third)
        stored = [each.name for each in here.platform.blobs.stored()]
        async with here.platform.work(write=False) as work:
            used = await ExtractionBatches(work).blobs_in_use(stored)
        texts = {
            key for key in stored if SECRET.encode() in here.platform.blobs.fetch(key).read_bytes()
        }
        assert len(texts) == 2
        assert not texts & used
        here.platform.blobs.delete = delete  # type: ignore[method-assign]
        await forget(here)
        assert left(tmp_path) == []
        assert len(await here.lines(batch_id)) == 3 * SHARD


async def test_what_was_written_after_the_end_is_removed_though_its_writer_is_killed(
    tmp_path: Path,
) -> None:
    """A batch is cancelled and forgotten while its input is cut; the job runs once more."""
    async with room(tmp_path) as here:
        batch_id = await batch(here, 3 * SHARD)
        async with here.platform.work(write=True) as work:
            request = await JobSide(work).begin(batch_id)
        assert request is not None
        upload = here.platform.blobs.fetch(str(request.upload)).read_bytes()
        await here.cancel(batch_id)
        await forget(here)
        assert left(tmp_path) == []
        with here.platform.blobs.writer(batch_id) as shard:
            shard.write(upload)
        await here.prepare(batch_id)
        assert left(tmp_path) == []


async def test_reading_the_input_once_more_takes_nothing_of_what_is_done(tmp_path: Path) -> None:
    """As the job does that was cut off when all shards were there, though not at once."""
    async with room(tmp_path) as here:
        batch_id = await batch(here, 3 * SHARD)
        await here.prepare(batch_id)
        first, *others = await here.active()
        await here.extract(first)
        await here.cancel(batch_id)
        for shard_id in others:
            await here.extract(shard_id)
        assert (await here.get(batch_id)).finished_at is not None
        await here.prepare(batch_id)
        assert len(await here.lines(batch_id)) == SHARD


async def test_a_shard_whose_lines_cannot_be_read_keeps_its_results(tmp_path: Path) -> None:
    """Its texts and its results are the same blob, which holds no text."""
    async with room(tmp_path) as here:
        batch_id = await here.uploaded(f"{{{SECRET}\n{SECRET}\n".encode(), store_text=False)
        await here.prepare(batch_id)
        for shard_id in await here.active():
            await here.extract(shard_id)
        await forget(here)
        broken = {"code": "malformed_json", "message": "The line is not JSON."}
        assert [line["error"] for line in await here.lines(batch_id)] == [broken, broken]
        assert left(tmp_path) == []


async def test_a_machine_keeps_no_copies_of_what_another_one_deletes(tmp_path: Path) -> None:
    """One takes the upload, one cuts it, one asks; the files are in a bucket."""
    with s3_server() as server:
        bucket = {
            "blob_url": server.url,
            "blob_options": {name: SecretStr(value) for name, value in server.options.items()},
        }
        async with AsyncExitStack() as machines:

            async def machine(name: str) -> Room:
                here = await machines.enter_async_context(room(tmp_path))
                settings = here.platform.settings.model_copy(
                    update={"data_dir": tmp_path / name, **bucket}
                )
                return replace(here, platform=replace(here.platform, blobs=create_blobs(settings)))

            taking, cutting, asking = [await machine(name) for name in ("take", "cut", "ask")]
            batch_id = await batch(taking, 3 * SHARD)
            await cutting.prepare(batch_id)
            for shard_id in await asking.active():
                await asking.extract(shard_id)
            assert len(await asking.lines(batch_id)) == 3 * SHARD
            assert left(tmp_path) == []


async def test_two_that_forget_at_once(tmp_path: Path) -> None:
    """And one that forgets again: all come to the same end."""
    async with room(tmp_path) as here:
        batch_id = await batch(here, 10 * SHARD)
        await here.prepare(batch_id)
        await here.cancel(batch_id)
        await asyncio.gather(forget(here), forget(here))
        await forget(here)
        assert left(tmp_path) == []
        assert await named(here, batch_id) is None
