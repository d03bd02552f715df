"""How long what is known of keys counts, and what counts while the database is away."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy.engine import make_url

from app.entrance import Entrance
from app.keys import doorkeeper as doorkeeper_module
from app.keys import service as keys_service
from app.keys.doorkeeper import Doorkeeper
from app.keys.repository import KeyRepository
from app.keys.secret import hashed, new_secret, same
from app.platform.access import LOCAL
from app.platform.clock import new_id, now
from app.platform.database import AWAY, Database
from app.platform.errors import ApiError
from app.platform.requests import still_let_in
from app.platform.settings import Settings
from tests.keys.keyed import (
    ADMIN_KEY,
    Client,
    bearer,
    client_of,
    keyed,
    make,
    revoke,
    started,
)
from tests.postgres import Postgres

FOR_EVER = 1e9
Away = Callable[[], AbstractAsyncContextManager[None]]


@pytest.fixture(autouse=True)
def _stale(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is looked up at once, but where a test says otherwise."""
    monkeypatch.setattr(doorkeeper_module, "FRESH_SECONDS", 0)


@pytest.fixture
def away(app: FastAPI, settings: Settings, request: pytest.FixtureRequest) -> Away:
    """A block in which the app's database does not answer."""
    database: Database = app.state.platform.database

    @asynccontextmanager
    async def sqlite() -> AsyncIterator[None]:
        path = settings.data_dir / "medtune.db"
        await database.close()  # its connections, not itself
        path.rename(path.with_suffix(".away"))
        path.mkdir()
        try:
            yield
        finally:
            path.rmdir()
            path.with_suffix(".away").rename(path)

    @asynccontextmanager
    async def postgres() -> AsyncIterator[None]:
        server: Postgres = request.getfixturevalue("postgres")
        assert settings.database_url is not None
        name = make_url(settings.database_url).database
        server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        gone = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname"
        server.execute(f"{gone} = '{name}'")
        try:
            yield
        finally:
            server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    return sqlite if settings.database_url is None else postgres


async def status(client: Client, key: str) -> int:
    return (await client.get("/v1/models", headers=bearer(key))).status_code


async def test_what_is_no_key_of_ours(app: FastAPI, client: Client) -> None:
    """Unknown, of another id, cut, longer, of other letters, nothing at all: one answer for all."""
    key_id, key = await make(app, "read")
    _, other = await make(app, "read")
    unknown = new_secret(new_id("key")).text
    swapped = f"mt_{key_id.removeprefix('key_')}_{other.split('_', 2)[2]}"
    answers = [
        await client.get("/v1/models", headers=headers)
        for headers in (
            *map(bearer, (unknown, swapped, key[:-1], f"{key}A", key.upper(), "", "mt__")),
            *map(bearer, (ADMIN_KEY[:-1], f"{ADMIN_KEY}0")),
            {"Authorization": key},
            {"Authorization": "Bearer"},
        )
    ]
    answers.append(await client.get("/v1/models", headers={b"Authorization": b"Bearer \xff"}))
    told = {(each.status_code, each.json()["code"], each.json()["detail"]) for each in answers}
    assert len(told) == 1
    assert told.pop()[:2] == (401, "unauthenticated")
    assert {each.headers["WWW-Authenticate"] for each in answers} == {"Bearer"}
    for accepted in (f"Bearer {key}", f"bearer  {key} ", f"BEARER {ADMIN_KEY}"):
        answer = await client.get("/v1/models", headers={"Authorization": accepted})
        assert answer.status_code == 200, accepted


def test_hashes_are_compared_whole() -> None:
    """From their first letter to their last."""
    one = hashed("one")
    assert same(one, hashed("one"))
    for other in (one[:-1], one[:-1] + "g", "g" + one[1:], one + "0", ""):
        assert not same(one, other)


async def test_guesses_fill_no_memory(
    app: FastAPI, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What looks like a key is looked up and remembered, but only so many of them."""
    monkeypatch.setattr(doorkeeper_module, "_MOST_KNOWN", 3)
    for _ in range(10):
        assert await status(client, new_secret(new_id("key")).text) == 401
    assert len(app.state.doorkeeper._keys) <= 3


async def test_a_key_ends_when_it_said(
    app: FastAPI, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though what is known of it be fresh."""
    monkeypatch.setattr(doorkeeper_module, "FRESH_SECONDS", FOR_EVER)
    end = now() + timedelta(days=9)
    key_id, key = await make(app, "read", expires_at=end)
    assert await status(client, key) == 200
    monkeypatch.setattr(keys_service, "now", lambda: end - timedelta(seconds=1))
    assert await status(client, key) == 200
    monkeypatch.setattr(keys_service, "now", lambda: end)
    assert await status(client, key) == 401
    shown = (await client.get(f"/v1/keys/{key_id}", headers=bearer(ADMIN_KEY))).json()
    assert shown["status"] == "expired"
    assert datetime.fromisoformat(shown["expires_at"]) == end.astimezone(UTC)


async def test_another_process_revokes_a_key(
    app: FastAPI, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counts as long as what is known of it is fresh, and then no more."""
    monkeypatch.setattr(doorkeeper_module, "FRESH_SECONDS", FOR_EVER)
    key_id, key = await make(app, "read")
    assert await status(client, key) == 200
    await revoke(app, key_id)
    assert await status(client, key) == 200
    monkeypatch.setattr(doorkeeper_module, "FRESH_SECONDS", 0)
    assert await status(client, key) == 401


async def test_once_there_was_a_key_there_is_no_way_in_without(settings: Settings) -> None:
    """Not when it is revoked, nor after the next start; an admin key of the settings comes in."""
    async with started(settings) as app, client_of(app, "localhost") as client:
        assert (await client.get("/v1/models")).status_code == 200
        refused = await client.post("/v1/keys", json={"name": "n", "scope": "admin"})
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
        key_id, key = await make(app, "admin")
        assert (await client.get("/v1/models")).status_code == 401
        assert await status(client, key) == 200
        await revoke(app, key_id)
        assert [await status(client, key), (await client.get("/v1/models")).status_code] == [
            401
        ] * 2
    async with started(settings) as app, client_of(app, "localhost") as client:
        assert (await client.get("/v1/models")).status_code == 401
    async with started(keyed(settings)) as app, client_of(app) as client:
        assert await status(client, ADMIN_KEY) == 200


async def test_while_the_database_is_away(app: FastAPI, client: Client, away: Away) -> None:
    """Whom one knows comes in, and nobody else; uses are noted later."""
    key_id, known = await make(app, "read")
    _, unknown = await make(app, "read")
    revoked_id, revoked = await make(app, "read")
    assert await status(client, known) == 200
    await revoke(app, revoked_id)
    assert await status(client, revoked) == 401
    doorkeeper: Doorkeeper = app.state.doorkeeper
    async with away():
        assert (await doorkeeper.of_bearer(known)).actor == key_id
        assert (await doorkeeper.of_bearer(ADMIN_KEY)).actor == "settings"
        with pytest.raises(ApiError, match=r"valid key") as refused:
            await doorkeeper.of_bearer(revoked)
        assert refused.value.code == "unauthenticated"
        answer = await client.get("/v1/models", headers=bearer(unknown))
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        assert answer.headers["Retry-After"]
        with pytest.raises(AWAY):
            await doorkeeper.note_uses()
    await doorkeeper.note_uses()
    shown = (await client.get(f"/v1/keys/{key_id}", headers=bearer(ADMIN_KEY))).json()
    assert shown["last_used_at"] is not None


async def test_a_stream_outlives_what_is_known_of_its_key(
    app: FastAPI, away: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the database is away nobody can say that it has ended."""
    doorkeeper: Doorkeeper = app.state.doorkeeper
    key_id, key = await make(app, "read")
    sent = [(name.lower().encode(), value.encode()) for name, value in bearer(key).items()]
    scope = {"type": "http", "method": "GET", "path": "/v1/models", "headers": sent, "state": {}}
    assert (await Entrance(keyed(Settings()), doorkeeper).admit(scope)).actor == key_id
    monkeypatch.setattr(doorkeeper_module, "_MOST_KNOWN", 1)
    with pytest.raises(ApiError, match="valid key"):
        await doorkeeper.of_bearer(new_secret(new_id("key")).text)  # what was known is forgotten
    async with away():
        assert await still_let_in(scope)
    assert await still_let_in(scope)
    await revoke(app, key_id)
    assert not await still_let_in(scope)


async def test_the_last_use_is_noted(settings: Settings) -> None:
    """By a chore, and at the end of the process; of the key that was used alone."""
    async with started(keyed(settings)) as app, client_of(app) as client:
        used_id, used = await make(app, "read")
        other_id, _ = await make(app, "read")

        async def last_use(key_id: str) -> Any:
            answer = await client.get(f"/v1/keys/{key_id}", headers=bearer(ADMIN_KEY))
            return answer.json()["last_used_at"]

        before = now()
        assert await status(client, used) == 200
        assert await last_use(used_id) is None
        await app.state.doorkeeper.note_uses()
        first = datetime.fromisoformat(await last_use(used_id))
        assert before <= first <= now()
        assert await last_use(other_id) is None
        await status(client, used)
    async with started(keyed(settings)) as app, client_of(app) as client:
        answer = await client.get(f"/v1/keys/{used_id}", headers=bearer(ADMIN_KEY))
        assert datetime.fromisoformat(answer.json()["last_used_at"]) > first


async def test_the_latest_of_several_processes_is_the_last_use(app: FastAPI) -> None:
    """In whatever order they write them down."""
    key_id, _ = await make(app, "read")
    late = now()
    async with app.state.platform.database.transaction(write=True) as session:
        rows = KeyRepository(session)
        for at in (late, late - timedelta(minutes=1)):
            await rows.used(key_id, at)
        row = await rows.get(key_id)
        assert row is not None
        assert row.last_used_at == late


async def test_what_one_is_logged_in_with_is_used(app: FastAPI, client: Client) -> None:
    """By each page, not by the login alone."""
    key_id, key = await make(app, "read")
    assert (await client.post("/login", data={"key": key})).status_code == 303
    last = []
    for _ in range(2):
        assert (await client.get("/datasets")).status_code == 200
        await app.state.doorkeeper.note_uses()
        shown = (await client.get(f"/v1/keys/{key_id}", headers=bearer(ADMIN_KEY))).json()
        last.append(datetime.fromisoformat(shown["last_used_at"]))
    assert last[0] < last[1]


async def test_without_keys_whoever_asks_is_local(settings: Settings, tmp_path: Path) -> None:
    """And a key that is sent all the same is not looked at, so that programs work with either."""
    async with started(settings) as app, client_of(app, "localhost") as client:
        assert await status(client, "anything") == 200
        answer = await client.put("/v1/model-aliases/best", json={"model": "local:rules"})
        assert answer.is_success
        events = (await client.get("/v1/audit-events")).json()["items"]
    assert [each["actor"] for each in events] == [LOCAL.actor]
