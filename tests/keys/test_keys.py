"""Keys on a whole service: who comes in, what each may do, and that workspaces are apart."""

import asyncio
import contextvars
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cohere
import httpx
import pytest
from fastapi import FastAPI

from app.keys import doorkeeper as doorkeeper_module
from app.main import create_app
from app.platform.access import NobodyError
from app.platform.settings import Settings
from tests.api.conftest import SAMPLE, settled
from tests.keys.keyed import ADMIN_KEY, Client, bearer, make


async def test_without_a_valid_key_nobody_comes_in(app: FastAPI, client: Client) -> None:
    """The same answer whatever is wrong; probes and the docs are open."""
    _, key = await make(app, "write")
    damaged = key[:-1] + ("A" if key[-1] != "A" else "B")
    answers = [
        await client.get("/v1/datasets"),
        await client.get("/v1/datasets", headers=bearer("nonsense")),
        await client.get("/v1/datasets", headers=bearer(damaged)),
        await client.get("/v1/datasets", headers={"Authorization": f"Basic {key}"}),
        await client.get("/metrics"),
    ]
    assert {(each.status_code, each.json()["code"]) for each in answers} == {
        (401, "unauthenticated")
    }
    assert answers[0].headers["WWW-Authenticate"] == "Bearer"
    for path in ("/healthz", "/readyz", "/docs", "/openapi.json"):
        assert (await client.get(path)).status_code == 200
    assert (await client.get("/v1/datasets", headers=bearer(key))).status_code == 200
    assert (await client.get("/v1/datasets", headers=bearer(ADMIN_KEY))).status_code == 200


async def test_a_revoked_key_ends(app: FastAPI, client: Client, monkeypatch: Any) -> None:
    """As soon as it is looked up again."""
    monkeypatch.setattr(doorkeeper_module, "FRESH_SECONDS", 0)
    key_id, key = await make(app, "read")
    assert (await client.get("/v1/models", headers=bearer(key))).status_code == 200
    revoked = await client.post(f"/v1/keys/{key_id}/revoke", headers=bearer(ADMIN_KEY))
    assert revoked.json()["status"] == "revoked"
    assert (await client.get("/v1/models", headers=bearer(key))).status_code == 401


async def test_scopes(app: FastAPI, client: Client) -> None:
    """Reading may ask models; writing may not manage keys."""
    _, read = await make(app, "read")
    _, write = await make(app, "write")
    asked = {"model": "local:rules", "text": "Aspirin."}
    assert (await client.post("/v1/extractions", json=asked, headers=bearer(read))).is_success
    refused = await client.delete("/v1/datasets/ds_0", headers=bearer(read))
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden_scope")
    assert (await client.get("/v1/keys", headers=bearer(write))).status_code == 403
    assert (await client.get("/v1/audit-events", headers=bearer(ADMIN_KEY))).status_code == 200


async def test_workspaces_are_apart_and_changes_are_noted(app: FastAPI, client: Client) -> None:
    """What one has made, the other cannot even tell from what is not there."""
    ours_id, ours = await make(app, "admin", "ours")
    _, theirs = await make(app, "admin", "theirs")
    files = {"file": ("train.txt", (SAMPLE / "train.pubtator.txt").read_bytes())}
    answer = await client.post("/v1/datasets", files=files, headers=bearer(ours))
    location = answer.headers["Location"]
    client.headers.update(bearer(ours))
    dataset = await settled(client, location)
    assert dataset["status"] == "ready"
    asked = {"dataset_id": dataset["id"]}
    made = await client.post("/v1/training-files", json=asked)
    assert (await settled(client, made.headers["Location"]))["status"] == "ready"

    client.headers.update(bearer(theirs))
    for path in (location, f"{location}/documents", f"{location}/report", f"{location}/export"):
        assert (await client.get(path, params={"format": "pubtator"})).status_code == 404, path
    assert (await client.delete(location)).status_code == 404
    assert (await client.get(made.headers["Location"])).status_code == 404
    assert (await client.post("/v1/training-files", json=asked)).status_code in (404, 422)
    for room in ("datasets", "training-files", "fine-tunes", "vocabularies", "evaluations"):
        assert (await client.get(f"/v1/{room}")).json()["items"] == []
    alias = {"model": "local:rules"}
    assert (await client.put("/v1/model-aliases/best", json=alias)).is_success
    client.headers.update(bearer(ours))
    assert (await client.put("/v1/model-aliases/best", json=alias)).is_success

    events = (await client.get("/v1/audit-events")).json()["items"]
    noted = {(each["action"], each["kind"], each["subject_id"]) for each in events}
    assert ("created", "datasets", dataset["id"]) in noted
    assert ("created", "model_aliases", "best") in noted
    assert {each["actor"] for each in events} == {ours_id, "operator"}
    assert "train.txt" not in json.dumps(events)


async def test_who_acts_for_nobody_gets_nothing(app: FastAPI) -> None:
    async def look() -> None:
        async with app.state.platform.work(write=False):
            pass

    with pytest.raises(NobodyError):
        await asyncio.create_task(look(), context=contextvars.Context())


async def test_logging_in_to_the_console(app: FastAPI, client: Client) -> None:
    """A key becomes a cookie; with that alone, a form has to say which page it is of."""
    _, read = await make(app, "read")
    to_login = await client.get("/datasets")
    assert (to_login.status_code, to_login.headers["Location"]) == (303, "/login?next=/datasets")
    assert (await client.post("/login", data={"key": "wrong"})).status_code == 401
    entered = await client.post("/login", data={"key": read, "next": "//evil.example/"})
    assert (entered.status_code, entered.headers["Location"]) == (303, "/")
    cookie = entered.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    page = await client.get("/datasets")
    assert page.status_code == 200
    assert "Log out" in page.text
    same = {"Sec-Fetch-Site": "same-origin"}
    assert (await client.post("/datasets/ds_0/delete")).status_code == 403  # of which page?
    other = await client.post("/logout", headers={"Sec-Fetch-Site": "cross-site"})
    assert other.status_code == 403
    narrow = await client.post("/datasets/ds_0/delete", headers=same)
    assert narrow.status_code == 403
    assert "write" in narrow.text
    assert (await client.get("/cohere/v1/models")).status_code == 401
    await client.post("/logout", headers=same)
    assert (await client.get("/datasets")).status_code == 303


async def test_the_cohere_sdk_is_told_in_its_own_words(app: FastAPI) -> None:
    transport = httpx.ASGITransport(app=app)
    async with Client(transport=transport) as http:
        sdk = cohere.AsyncClientV2("wrong", base_url="http://localhost/cohere", httpx_client=http)
        with pytest.raises(cohere.UnauthorizedError):
            await sdk.models.list()
        sdk = cohere.AsyncClientV2(ADMIN_KEY, base_url="http://localhost/cohere", httpx_client=http)
        assert (await sdk.models.list()).models


async def test_without_keys_only_this_machine_is_answered(settings: Settings) -> None:
    """A page whose name was made to lead here sends that name."""
    service = create_app(settings)
    async with service.router.lifespan_context(service):
        transport = httpx.ASGITransport(app=service)
        async with Client(transport=transport, base_url="http://evil.example") as client:
            for path in ("/v1/datasets", "/", "/cohere/v1/models"):
                assert (await client.get(path)).status_code == 403, path
                for name in ("localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST."):
                    answer = await client.get(path, headers={"Host": name})
                    assert answer.status_code == 200, (path, name)
            assert (await client.get("/healthz")).status_code == 200


def test_the_command_line(tmp_path: Path) -> None:
    """A key can be made before there is a service, and without one none is served to all."""

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "app.cli", *arguments],
            env={"MEDTUNE_DATA_DIR": str(tmp_path / "data"), "PYTHONPATH": str(Path.cwd())},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    refused = run("serve", "--host", "0.0.0.0", "--port", "0")
    assert refused.returncode == 1
    assert "medtune keys create" in refused.stderr
    made = run("keys", "create", "--scope", "admin", "--workspace", "ward-7", "--expires-in", "9d")
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("mt_")
    key_id = "key_" + made.stdout.split("_")[1]
    assert key_id in run("keys", "list").stdout
    assert run("keys", "revoke", key_id).returncode == 0
    assert "revoked" in run("keys", "list").stdout
    assert run("keys", "create", "--scope", "all").returncode == 1
