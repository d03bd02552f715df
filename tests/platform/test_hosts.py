"""Which `Host` a service answers to: names of this machine without keys, those allowed, or any."""

import httpx
import pytest
from pydantic import SecretStr
from starlette.types import Scope

from app.main import create_app
from app.platform.hosts import is_loopback, refusal_of_host
from app.platform.settings import Settings


def scope(host: str | None) -> Scope:
    return {"type": "http", "headers": [] if host is None else [(b"host", host.encode("latin-1"))]}


OURS = [
    "localhost",
    "localhost:8000",
    "LocalHost.:8000",
    "127.0.0.1",
    "127.0.0.1:8000",
    "127.8.9.10:80",
    "[::1]",
    "[::1]:8000",
    "[0:0:0:0:0:0:0:1]:8000",
]
OTHERS = [
    None,
    "",
    ":8000",
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1@evil.example",
    "evil.example@localhost",
    "localhost,evil.example",
    "10.0.0.1:8000",
    "0.0.0.0:8000",
    "[::]:8000",
    "[2001:db8::1]:8000",
    "[::1",
    "[::1].evil.example",
    "2130706433",
    "\xfflocalhost",
]


@pytest.mark.parametrize("host", OURS)
def test_without_keys_names_of_this_machine_are_fine(host: str) -> None:
    assert refusal_of_host(scope(host), [], keyless=True) is None


@pytest.mark.parametrize("host", OTHERS)
def test_without_keys_others_are_refused(host: str | None) -> None:
    """A name that leads here is no reason to answer; with keys it is, for others have none."""
    refused = refusal_of_host(scope(host), [], keyless=True)
    assert refused is not None
    assert refused.code == "forbidden_host"
    assert refusal_of_host(scope(host), [], keyless=False) is None


@pytest.mark.parametrize("keyless", [True, False])
def test_allowed_names_are_the_only_ones(keyless: bool) -> None:
    """Whatever their case, port and last dot; those of this machine are not among them."""
    allowed = {"medtune.example.org"}
    for host in ("medtune.example.org", "Medtune.Example.ORG:443", "medtune.example.org.:8000"):
        assert refusal_of_host(scope(host), allowed, keyless=keyless) is None, host
    for host in ("example.org", "a.medtune.example.org", "localhost", "127.0.0.1:8000", ""):
        assert refusal_of_host(scope(host), allowed, keyless=keyless) is not None, host


def test_what_loopback_is() -> None:
    """An address of it, or its name; not what a resolver may take for it."""
    assert is_loopback("127.255.0.1")
    assert not is_loopback("::ffff:10.0.0.1")
    assert not is_loopback("localhost.localdomain")


async def test_numbers_are_told_at_any_address_with_a_key(settings: Settings) -> None:
    """Prometheus asks for a pod by its address; everything else is at the allowed names alone."""
    key = SecretStr("a-key-of-these-tests-0123456789abcdef")
    changed = {"admin_key": key, "allowed_hosts": ["medtune.example.org"]}
    app = create_app(settings.model_copy(update=changed))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://10.1.2.3:8000") as web:
            assert (await web.get("/metrics")).status_code == 401
            web.headers["Authorization"] = f"Bearer {key.get_secret_value()}"
            assert (await web.get("/metrics")).status_code == 200
            assert (await web.get("/v1/models")).status_code == 403
            named = await web.get("/v1/models", headers={"Host": "medtune.example.org"})
            assert named.status_code == 200


async def test_a_rebound_name_reaches_nothing(settings: Settings) -> None:
    """Neither the API nor Cohere's, pages, their files, the docs or the numbers; probes do not ask.

    Each is told so in its own words, and the name is in none of them.
    """
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://rebound.example") as web:
            for path in ("/v1/datasets", "/", "/playground", "/login", "/keys", "/metrics", "/docs",
                         "/openapi.json", "/assets/live.js", "/cohere/v1/models"):  # fmt: skip
                answer = await web.get(path)
                assert answer.status_code == 403, path
                assert "rebound" not in answer.text, path
                here = await web.get(path, headers={"Host": "localhost:8000"})
                assert here.status_code in (200, 303), path
            refused = await web.post("/v1/datasets")
            assert refused.json()["code"] == "forbidden_host"
            assert "message" in (await web.post("/cohere/v2/chat")).json()
            for probe in ("/healthz", "/readyz"):
                assert (await web.get(probe)).status_code == 200
