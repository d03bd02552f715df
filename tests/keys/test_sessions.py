"""Sessions of the console: how long a cookie lets its browser in, and where it is sent."""

from datetime import timedelta

import pytest
from fastapi import FastAPI

from app.keys import doorkeeper as doorkeeper_module
from app.keys.doorkeeper import SESSION_COOKIE, Doorkeeper
from app.platform.clock import now
from app.platform.errors import ApiError
from app.platform.settings import Settings
from tests.keys.keyed import ADMIN_KEY, Client, client_of, keyed, make, started

HOURS = 7
SAME = {"Sec-Fetch-Site": "same-origin"}


async def enter(client: Client, key: str) -> str:
    """Log in; the cookie as it was set."""
    entered = await client.post("/login", data={"key": key})
    assert entered.status_code == 303
    return entered.headers["Set-Cookie"]


async def test_a_session_ends_by_itself(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After `session_hours`, in the browser and here, though its key has no end."""
    monkeypatch.setattr(doorkeeper_module, "FRESH_SECONDS", 1e9)
    limited = keyed(settings).model_copy(update={"session_hours": HOURS})
    async with started(limited, queues=()) as app, client_of(app) as client:
        _, key = await make(app, "read")
        begun = now()
        assert f"Max-Age={HOURS * 3600};" in await enter(client, key)
        end = now() + timedelta(hours=HOURS)
        monkeypatch.setattr(
            doorkeeper_module, "now", lambda: begun + timedelta(hours=HOURS, microseconds=-1)
        )
        assert (await client.get("/datasets")).status_code == 200
        monkeypatch.setattr(doorkeeper_module, "now", lambda: end)
        assert (await client.get("/datasets")).status_code == 303


async def test_a_session_ends_with_the_key_of_the_settings(settings: Settings) -> None:
    """Once the settings name none, nobody is who has logged in with it."""
    async with started(keyed(settings), queues=()) as app, client_of(app) as client:
        await make(app, "read")
        await enter(client, ADMIN_KEY)
        token = client.cookies[SESSION_COOKIE]
        for named, valid in ((keyed(settings), True), (settings, False)):
            doorkeeper = Doorkeeper(named, app.state.platform.database)
            if valid:
                assert (await doorkeeper.of_session(token)).actor == "settings"
                continue
            with pytest.raises(ApiError, match="valid key"):
                await doorkeeper.of_session(token)


async def test_logging_out_ends_it_everywhere(app: FastAPI, client: Client) -> None:
    """At once in this process, and for one that did not know it yet; the cookie goes as well."""
    await enter(client, ADMIN_KEY)
    token = client.cookies[SESSION_COOKIE]
    assert (await client.get("/datasets")).status_code == 200
    assert (await client.post("/logout", headers=SAME)).status_code == 303
    assert SESSION_COOKIE not in client.cookies
    here: Doorkeeper = app.state.doorkeeper
    for doorkeeper in (here, Doorkeeper(keyed(Settings()), app.state.platform.database)):
        with pytest.raises(ApiError, match="valid key"):
            await doorkeeper.of_session(token)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_cookie_of_https_is_sent_by_https_alone(settings: Settings, scheme: str) -> None:
    """Also where a proxy speaks it, as the service's public address tells."""
    told = keyed(settings).model_copy(update={"public_url": f"{scheme}://medtune.example"})
    async with started(told, queues=()) as app, client_of(app) as client:
        assert ("Secure" in await enter(client, ADMIN_KEY)) is (scheme == "https")
        client.cookies.clear()
        client.base_url = "https://service.example"
        assert "Secure" in await enter(client, ADMIN_KEY)


async def test_the_login_leads_back_to_a_page(client: Client) -> None:
    """Never to what a form is sent to, nor out of the query that names it."""
    sent = await client.post("/datasets/ds_0/delete", headers=SAME)
    assert (sent.status_code, sent.headers["Location"]) == (303, "/login?next=/")
    asked = await client.get("/datasets/a%26next=%2F%0A%23b")
    assert asked.headers["Location"] == "/login?next=/datasets/a%26next%3D/%0A%23b"
