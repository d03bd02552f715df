"""A service that is told to end: what takes long comes to an end, what is short is finished."""

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from app.main import create_app
from app.own_service import own_service
from app.platform.settings import Settings
from app.platform.sse import Sight, live


class Event:
    """One that happened."""

    sequence, type, at, data = 1, "created", datetime(2026, 1, 1, tzinfo=UTC), {"x": 1}


async def anybody() -> bool:
    return True


async def test_live_streams_end_with_the_service() -> None:
    """Told while nothing happens, they end without waiting for something to."""
    stopping, seen = asyncio.Event(), 0

    async def look(after: int) -> Sight:
        return Sight([Event()] if after < 1 else [], {"status": "running"}, ended=False)

    async with asyncio.timeout(60):
        async for _frame in live(look, after=0, stopping=stopping, let_in=anybody):
            seen += 1
            if seen == 2:
                stopping.set()
    assert seen == 2


async def test_live_streams_end_when_the_database_is_away() -> None:
    """After what was told already: the client comes back with the number of that."""
    looks = 0

    async def look(_after: int) -> Sight:
        nonlocal looks
        looks += 1
        if looks == 2:
            raise OperationalError("", None, Exception())
        return Sight([Event()], {"status": "running"}, ended=False)

    stream = live(look, after=0, stopping=asyncio.Event(), let_in=anybody)
    frames = [frame async for frame in stream]
    assert len(frames) == 2
    assert frames[0].startswith("id: 1\n")


async def test_a_database_that_is_away_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with a time to come back, in our shape and in Cohere's; a fault of ours stays one."""
    nobody = "postgresql+psycopg://medtune@127.0.0.1:1/medtune"
    app = create_app(Settings(data_dir=tmp_path, database_url=nobody, _env_file=None))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        ours = await client.get("/v1/datasets")
        theirs = await client.get("/cohere/v1/datasets")
        ready = await client.get("/readyz")
        alive = await client.get("/healthz")
    assert (ours.status_code, ours.json()["code"]) == (503, "database_unavailable")
    assert (theirs.status_code, set(theirs.json())) == (503, {"id", "message"})
    assert ours.headers["Retry-After"] == theirs.headers["Retry-After"] == "5"
    assert (ready.status_code, ready.json()["code"]) == (503, "not_ready")
    failed = {fault["pointer"] for fault in ready.json()["errors"]}
    assert failed == {"/checks/database", "/checks/jobs", "/checks/workers"}
    assert alive.status_code == 200
    unmigrated = create_app(Settings(data_dir=tmp_path, _env_file=None))
    transport = httpx.ASGITransport(app=unmigrated, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        broken = await client.get("/v1/datasets")
    assert (broken.status_code, broken.json()["code"]) == (500, "internal_error")
    await unmigrated.state.platform.database.close()


def test_a_request_under_way_is_answered(tmp_path: Path) -> None:
    """The process ends with 0 once it is, and takes no new one meanwhile."""
    begun, body = threading.Event(), threading.Event()
    answers: list[httpx.Response] = []
    with own_service(tmp_path) as service:

        def slow() -> Iterator[bytes]:
            yield b'{"model": "local:rules", '
            begun.set()
            body.wait(30)
            yield b'"text": "Aspirin."}'

        def post() -> None:
            json = {"Content-Type": "application/json"}
            answers.append(
                httpx.post(
                    f"{service.address}/v1/extractions", content=slow(), headers=json, timeout=60
                )
            )

        thread = threading.Thread(target=post)
        thread.start()
        begun.wait(30)
        service.client.close()
        service.process.terminate()
        deadline = time.monotonic() + 30
        while "stopping" not in service.log.read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
        body.set()
        thread.join(60)
        assert service.process.wait(60) == 0
    assert [answer.status_code for answer in answers] == [200]
