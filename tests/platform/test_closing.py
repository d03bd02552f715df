"""Where the service ends, nothing of it goes on with what is closed."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.main import create_app
from app.platform.jobs import JobKind
from app.platform.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="function")


async def test_what_is_cut_off_has_let_go_before_its_database_is_closed(tmp_path: Path) -> None:
    """Or the connection comes back to a pool that is no more, and nobody closes it."""
    app = create_app(Settings(data_dir=tmp_path, shutdown_seconds=0, _env_file=None))
    platform = app.state.platform
    begun, end = asyncio.Event(), asyncio.Event()
    log: list[str] = []

    async def step(_row: str) -> None:
        async with platform.work(write=False):
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                # Longer than the rest of the service takes to close, if it is not waited for.
                await asyncio.wait({service}, timeout=3)
                log.append("let go")

    async def fail(*_told: str) -> None:
        log.append("failed")

    async def none() -> Sequence[str]:
        return []

    async def serve() -> None:
        async with app.router.lifespan_context(app):
            await platform.jobs.start("held", "ds_row1")
            await end.wait()
        log.append("closed")

    platform.jobs.define(JobKind("held", "short", [step], fail, none))
    service = asyncio.create_task(serve())
    async with asyncio.timeout(60):
        await begun.wait()
    end.set()
    await service
    assert log == ["let go", "closed"]
