"""Requests a minute of each key: what is told of them, and what happens beyond.

The database has no part in it, so one kind of it is enough.
"""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cohere
import httpx
import pytest
from limits import RateLimitItemPerSecond
from pydantic import SecretStr

from app.main import create_app
from app.platform import rates
from app.platform.settings import Settings
from tests.keys.keyed import ADMIN_KEY, bearer, make

LIMIT = 3


def service(folder: Path, **told: Any) -> Any:
    """A service with keys that lets in `LIMIT` requests a minute of each."""
    settings = Settings(
        data_dir=folder, admin_key=SecretStr(ADMIN_KEY), requests_per_minute=LIMIT, _env_file=None
    )
    return create_app(settings.model_copy(update=told))


def client(app: Any, **told: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost", **told)


async def test_each_key_has_its_own(tmp_path: Path) -> None:
    """All of a key's answers tell what is left; those of nobody's requests do not."""
    app = service(tmp_path)
    async with app.router.lifespan_context(app), client(app) as http:
        _, other = await make(app, "read")
        told = []
        for path in ("/v1/models", "/v1/datasets/ds_0", "/v1/models"):
            answer = await http.get(path, headers=bearer(ADMIN_KEY))
            told.append(answer.headers["RateLimit"])
            assert answer.headers["RateLimit-Policy"] == f'"per-key";q={LIMIT};w=60'
        assert [each.partition(";t=")[0] for each in told] == [
            f'"per-key";r={left}' for left in (2, 1, 0)
        ]
        refused = await http.get("/v1/models", headers=bearer(ADMIN_KEY))
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        seconds = int(refused.headers["Retry-After"])
        assert 1 <= seconds <= 60
        assert refused.headers["RateLimit"] == f'"per-key";r=0;t={seconds}'
        assert refused.headers["X-Request-ID"]
        page = await http.get("/datasets", headers=bearer(ADMIN_KEY))
        assert page.status_code == 429
        assert page.headers["Content-Type"].startswith("text/html")
        assert 1 <= int(page.headers["Retry-After"]) <= 60
        assert (await http.get("/v1/models", headers=bearer(other))).status_code == 200
        for path in ("/healthz", "/docs"):
            answer = await http.get(path, headers=bearer(ADMIN_KEY))
            assert answer.status_code == 200
            assert "RateLimit" not in answer.headers
        unknown = await http.get("/v1/models", headers=bearer("nonsense"))
        assert (unknown.status_code, unknown.headers.get("RateLimit")) == (401, None)


async def test_a_refusal_never_says_to_come_back_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the very moment that the window ends, or after a clock was set."""
    monkeypatch.setattr(rates, "time", SimpleNamespace(time=lambda: 1e12))
    counted = rates.Rates(1)
    assert not (await counted.take("key_0")).exceeded
    refused = await counted.take("key_0")
    assert (refused.exceeded, refused.refusal().retry_after) == (True, 1)


async def test_what_a_key_may_not_do_counts_too(tmp_path: Path) -> None:
    app = service(tmp_path)
    async with app.router.lifespan_context(app), client(app) as http:
        _, read = await make(app, "read")
        statuses = [
            (await http.delete("/v1/datasets/ds_0", headers=bearer(read))).status_code
            for _ in range(LIMIT + 1)
        ]
    assert statuses == [403] * LIMIT + [429]


async def test_decided_before_the_body_is_read(tmp_path: Path) -> None:
    app = service(tmp_path)
    sent = 0

    async def body() -> Any:
        nonlocal sent
        for _ in range(3):
            sent += 1
            yield b"x"
            await asyncio.sleep(0)

    async with app.router.lifespan_context(app), client(app) as http:
        for _ in range(LIMIT):
            await http.get("/v1/models", headers=bearer(ADMIN_KEY))
        answer = await http.post("/v1/datasets", content=body(), headers=bearer(ADMIN_KEY))
    assert (answer.status_code, sent) == (429, 0)


async def test_without_keys_there_is_no_limit(tmp_path: Path) -> None:
    app = service(tmp_path, admin_key=None)
    async with app.router.lifespan_context(app), client(app) as http:
        answers = [await http.get("/v1/models") for _ in range(LIMIT + 2)]
    assert {answer.status_code for answer in answers} == {200}
    assert not any("RateLimit" in answer.headers for answer in answers)


async def test_the_cohere_sdk_waits_as_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told in Cohere's words, and comes back when the window (two seconds here) is over."""
    monkeypatch.setattr(rates, "RateLimitItemPerMinute", lambda n: RateLimitItemPerSecond(n, 2))
    app = service(tmp_path, requests_per_minute=1)
    seen: list[httpx.Response] = []

    async def see(answer: httpx.Response) -> None:
        await answer.aread()
        seen.append(answer)

    async with (
        app.router.lifespan_context(app),
        client(app, event_hooks={"response": [see]}) as http,
    ):
        sdk = cohere.AsyncClientV2(ADMIN_KEY, base_url="http://localhost/cohere", httpx_client=http)
        for _ in range(2):
            assert (await sdk.models.list()).models
    assert [answer.status_code for answer in seen] == [200, 429, 200]
    assert seen[1].json().keys() == {"id", "message"}
    assert seen[1].headers["Retry-After"] in ("1", "2")
