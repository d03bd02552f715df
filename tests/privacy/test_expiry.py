"""What has ended is deleted after the days that the settings say, unless something needs it."""

import asyncio
import sqlite3
from datetime import timedelta
from pathlib import Path

import httpx
from sqlalchemy import update

from app.expiry import delete_expired
from app.main import create_app, create_lineage
from app.platform.access import EVERYWHERE, acting
from app.platform.clock import new_id, now
from app.platform.settings import Settings
from app.platform.work import Platform
from app.tables import DatasetRow, EvaluationRow, ExtractionBatchRow, TrainingFileRow
from tests.api.conftest import SAMPLE, settled, upload

TABLES = (DatasetRow, TrainingFileRow, ExtractionBatchRow, EvaluationRow)
DEV = (SAMPLE / "dev.pubtator.txt").read_bytes()


async def made(client: httpx.AsyncClient, path: str, request: object) -> str:
    answer = await client.post(path, json=request)
    assert answer.status_code == 202, answer.text
    assert (await settled(client, answer.headers["Location"]))["status"] in ("ready", "succeeded")
    return str(answer.headers["Location"])


async def age(platform: Platform, days: float) -> None:
    """As if all had ended so long ago."""
    async with platform.work(write=True) as work:
        for table in TABLES:
            await work.session.execute(
                update(table).values(finished_at=now() - timedelta(days=days))
            )


async def test_what_has_ended_long_ago_is_deleted(settings: Settings) -> None:
    """Rows and bytes, by two processes at once; not before its time, and not what is in use."""
    kept = {"keep_batches_days": 1.0, "keep_evaluations_days": 1.0, "keep_datasets_days": 10.0}
    settings = settings.model_copy(update=kept)
    app = create_app(settings)
    platform: Platform = app.state.platform
    lineage = create_lineage(app.state.backends)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)

    async def expire() -> None:
        with acting(EVERYWHERE):
            await asyncio.gather(*(delete_expired(platform, lineage) for _ in range(2)))

    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        dataset = (await upload(client, DEV, splits=["dev"]))["id"]
        about = {"dataset_id": dataset}
        locations = [
            await made(client, "/v1/training-files", about | {"splits": ["dev"]}),
            await made(client, "/v1/extraction-batches", about | {"model": "local:rules"}),
            await made(client, "/v1/evaluations", about | {"models": ["local:rules"]}),
        ]
        file, batch, evaluation = locations

        async def there(*paths: str) -> list[bool]:
            return [(await client.get(path)).is_success for path in paths]

        await expire()
        assert all(await there(*locations))
        await age(platform, 2)
        await expire()
        assert await there(file, batch, evaluation) == [True, False, False]
        again = await made(client, "/v1/evaluations", about | {"models": ["local:rules"]})
        await age(platform, 11)
        settings.keep_evaluations_days = None
        await expire()
        # The evaluation is of the dataset, and is kept for ever.
        assert await there(file, again, f"/v1/datasets/{dataset}") == [False, True, True]
        assert (await client.delete(again)).status_code == 204
        await expire()
        assert await there(f"/v1/datasets/{dataset}") == [False]
        assert list(platform.blobs.stored()) == []


async def test_nothing_of_a_deleted_row_is_left_in_the_files_of_sqlite(tmp_path: Path) -> None:
    """Neither in pages that are free nor in the log of changes."""
    app = create_app(Settings(data_dir=tmp_path, _env_file=None))
    platform: Platform = app.state.platform
    await platform.database.migrate()
    row = DatasetRow(
        id=new_id("ds"),
        name="zq7marker" * 20,
        status="ready",
        errors=0,
        warnings=0,
        problem_counts={},
        created_at=now(),
    )
    async with platform.work(write=True) as work:
        work.session.add(row)
    assert b"zq7marker" in contents(tmp_path)
    async with platform.work(write=True) as work:
        await work.session.delete(await work.session.get_one(DatasetRow, row.id))
    await platform.database.overwrite_deleted()
    assert b"zq7marker" not in contents(tmp_path)
    with sqlite3.connect(tmp_path / "medtune.db") as other:
        other.execute("BEGIN IMMEDIATE")
        await platform.database.overwrite_deleted()  # as far as it can be done now
    await platform.database.close()


def contents(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*.db*"))
