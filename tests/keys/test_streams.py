"""Streams of events that are open already when those who asked may not ask any more."""

import asyncio

import pytest
from fastapi import FastAPI

from app.keys import doorkeeper as doorkeeper_module
from app.platform.access import LOCAL, Principal, Scope, acting
from app.platform.clock import new_id, now
from app.platform.settings import Settings
from app.tables import ExtractionBatchRow
from tests.keys.keyed import ADMIN_KEY, bearer, client_of, keyed, make, revoke, started

EVENTS = {"Accept": "text/event-stream"}


@pytest.fixture(autouse=True)
def _stale(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is looked up at once."""
    monkeypatch.setattr(doorkeeper_module, "FRESH_SECONDS", 0)


async def endless(app: FastAPI) -> str:
    """Where the events of a batch are that nothing works on."""
    row = ExtractionBatchRow(
        id=new_id("bat"),
        name="endless",
        asked="local:rules",
        model="local:rules",
        backend="local",
        tasks=["diseases"],
        options={"options": {}, "shard_documents": 1},
        status="running",
        created_at=now(),
    )
    with acting(Principal("job", LOCAL.workspace, Scope.WRITE)):
        async with app.state.platform.work(write=True) as work:
            work.session.add(row)
    return f"/v1/extraction-batches/{row.id}/events"


async def test_they_end_with_their_key(settings: Settings) -> None:
    """Be it sent with the request or have been logged in with; those of other keys go on."""
    async with (
        started(keyed(settings), queues=()) as app,
        client_of(app) as client,
        client_of(app) as browser,
    ):
        path = await endless(app)
        key_id, key = await make(app, "read")
        assert (await browser.post("/login", data={"key": key})).status_code == 303
        ends = [
            asyncio.create_task(client.get(path, headers=EVENTS | bearer(key))),
            asyncio.create_task(browser.get(path, headers=EVENTS)),
        ]
        goes_on = asyncio.create_task(client.get(path, headers=EVENTS | bearer(ADMIN_KEY)))
        done, _ = await asyncio.wait([*ends, goes_on], timeout=1)
        assert not done
        await revoke(app, key_id)
        async with asyncio.timeout(60):
            for answer in await asyncio.gather(*ends):
                assert answer.status_code == 200
                assert "event: progress" in answer.text
        assert not goes_on.done()
        app.state.platform.stopping.set()
        await goes_on


async def test_those_of_nobody_end_with_the_first_key(settings: Settings) -> None:
    """From then on one needs a key, for whatever one sees."""
    async with started(settings, queues=()) as app, client_of(app, "localhost") as client:
        stream = asyncio.create_task(client.get(await endless(app), headers=EVENTS))
        done, _ = await asyncio.wait([stream], timeout=1)
        assert not done
        await make(app, "read")
        async with asyncio.timeout(60):
            assert (await stream).status_code == 200
