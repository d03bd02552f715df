"""Pages where there are keys: which scope each takes, and what a browser may do with any."""

from collections.abc import Sequence
from pathlib import Path

import httpx
from fastapi import FastAPI

from app.entrance import needed_scope
from app.main import create_app
from app.platform.settings import Settings
from tests.keys.keyed import Client, bearer, make
from tests.workspaces.routes import calls

# What is sent with a form and changes nothing that is anybody's.
READ = {"/logout", "/playground"}
POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
}


def test_what_a_form_takes(tmp_path: Path) -> None:
    """All but a few change something, and keys are for those with scope admin alone."""
    app = create_app(Settings(data_dir=tmp_path, _env_file=None))
    others = ("/v1/", "/cohere/", "/login")  # nobody has a key yet who logs in
    pages = [each for each in calls(app) if not each.path.startswith(others)]
    assert sum(each.method == "POST" for each in pages) > 20
    for call in pages:
        if call.path == "/keys" or call.path.startswith("/keys/"):
            expected = "admin"
        else:
            reads = call.method == "GET" or call.path in READ
            expected = "read" if reads else "write"
        assert needed_scope(call.method, call.path).word == expected, call


async def test_every_page_says_what_a_browser_may_do(app: FastAPI, client: Client) -> None:
    """Problems and refusals are pages as well, be they of a room or of the entrance."""
    _, read = await make(app, "read")
    same = {"Sec-Fetch-Site": "same-origin"}
    answers: Sequence[tuple[int, httpx.Response]] = [
        (200, await client.get("/login")),
        (401, await client.post("/login", data={"key": "wrong"})),
        (200, await client.get("/datasets", headers=bearer(read))),
        (404, await client.get("/datasets/ds_0", headers=bearer(read))),
        (403, await client.get("/keys", headers=bearer(read))),
        (403, await client.post("/datasets", headers=bearer(read) | same)),
        (403, await client.post("/logout", headers={"Origin": "http://evil.example"})),
    ]
    for status, answer in answers:
        assert answer.status_code == status, answer.text
        assert set(answer.headers["Content-Security-Policy"].split("; ")) == POLICY
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cache-Control"] == "no-store"
