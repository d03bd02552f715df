"""`/v1/keys` and `/v1/audit-events`: what is accepted, what is told, and what is stored nowhere."""

import asyncio
import subprocess
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from app.keys.schemas import KeyRequest
from app.keys.service import Keys
from app.platform.access import DEFAULT_WORKSPACE, Principal, Scope, acting
from app.platform.clock import now
from app.platform.settings import Settings
from tests.api.conftest import QUICK, SAMPLE, settled
from tests.keys.keyed import ADMIN_KEY, Client, bearer, client_of, keyed, make, started
from tests.postgres import binaries


async def test_a_key_is_made_listed_and_revoked(app: FastAPI, client: Client) -> None:
    """By a key of its workspace; another workspace has no such key."""
    maker_id, maker = await make(app, "admin", "ward-7")
    client.headers.update(bearer(maker))
    end = (now() + timedelta(days=3)).isoformat()
    answer = await client.post("/v1/keys", json={"name": "n", "scope": "read", "expires_at": end})
    made = answer.json()
    assert answer.status_code == 201
    assert (made["workspace"], made["created_by"]) == ("ward-7", maker_id)
    assert (made["status"], made["last_used_at"], made["revoked_at"]) == ("valid", None, None)
    shown = (await client.get(f"/v1/keys/{made['id']}")).json()
    assert shown == {name: value for name, value in made.items() if name != "key"}
    first = (await client.get("/v1/keys", params={"limit": 1})).json()
    rest = (await client.get("/v1/keys", params={"cursor": first["next_cursor"]})).json()
    assert [each["id"] for each in first["items"] + rest["items"]] == [made["id"], maker_id]
    assert first["items"] == [shown]

    revoke = f"/v1/keys/{made['id']}/revoke"
    elsewhere = bearer(ADMIN_KEY)
    for method, path in (("GET", f"/v1/keys/{made['id']}"), ("POST", revoke)):
        answer = await client.request(method, path, headers=elsewhere)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    revoked = (await client.post(revoke)).json()
    assert revoked["status"] == "revoked"
    assert (await client.post(revoke)).json() == revoked  # safe to repeat
    assert (await client.post("/v1/keys/key_0/revoke")).status_code == 404


async def test_a_request_for_a_key_is_checked(client: Client) -> None:
    """Each fault by its field, and nothing of it repeated."""
    client.headers.update(bearer(ADMIN_KEY))
    good = {"name": "n", "scope": "read"}
    for fault, pointer in (
        ({"scope": "all"}, "/scope"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "2999-01-01T00:00:00"}, "/expires_at"),
        ({"expires_at": "soon"}, "/expires_at"),
        ({"workspace": "theirs"}, "/workspace"),
        ({"key": "mt_of_my_own"}, "/key"),
    ):
        answer = await client.post("/v1/keys", json=good | fault)
        assert answer.status_code == 422, fault
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
        assert "mt_of" not in answer.text
    assert (await client.get("/v1/keys")).json()["items"] == []


async def test_every_kind_of_change_is_noted(app: FastAPI, client: Client) -> None:
    """With the key and the request it was made by; of what jobs do, nothing; of texts, nothing."""
    key_id, key = await make(app, "admin")
    client.headers.update(bearer(key))
    asked: dict[tuple[str, str, str], str] = {}

    async def ask(action: str, kind: str, method: str, path: str, **sent: Any) -> Any:
        """The answer's body; the change is remembered under the request's id."""
        request_id = f"request-{len(asked)}"
        headers = {"X-Request-ID": request_id}
        answer = await client.request(method, path, headers=headers, **sent)
        assert answer.is_success, answer.text
        body = answer.json() if answer.content else {"id": path.rpartition("/")[2]}
        asked[action, kind, body.get("id") or body["name"]] = request_id
        return body

    upload = {"file": ("secret-name.txt", (SAMPLE / "train.pubtator.txt").read_bytes())}
    dataset = await ask(
        "created", "datasets", "POST", "/v1/datasets", files=upload, data={"split": "train"}
    )
    await settled(client, f"/v1/datasets/{dataset['id']}")
    terms = {"file": ("terms.tsv", b"D056486\thepatitis, toxic|toxic hepatitis\n")}
    fields = {"name": "secret-vocabulary", "type": "Disease"}
    vocabulary = await ask(
        "created", "vocabularies", "POST", "/v1/vocabularies", files=terms, data=fields
    )
    await settled(client, f"/v1/vocabularies/{vocabulary['id']}")
    of_it = {"dataset_id": dataset["id"]}
    training_file = await ask("created", "training_files", "POST", "/v1/training-files", json=of_it)
    await settled(client, f"/v1/training-files/{training_file['id']}")
    fine_tune = await ask(
        "created", "fine_tunes", "POST", "/v1/fine-tunes",
        json={"training_file_id": training_file["id"], "hyperparameters": QUICK},
    )  # fmt: skip
    tuned = await settled(client, f"/v1/fine-tunes/{fine_tune['id']}")
    evaluation = await ask(
        "created", "evaluations", "POST", "/v1/evaluations",
        json={"models": ["local:rules"], "dataset_id": dataset["id"], "split": "train"},
    )  # fmt: skip
    await settled(client, f"/v1/evaluations/{evaluation['id']}")
    batch = await ask(
        "created", "extraction_batches", "POST", "/v1/extraction-batches",
        json={"model": "local:rules", "dataset_id": dataset["id"]},
    )  # fmt: skip
    await settled(client, f"/v1/extraction-batches/{batch['id']}")
    alias = {"model": tuned["model_id"]}
    await ask("created", "model_aliases", "PUT", "/v1/model-aliases/best", json=alias)
    other = {"model": "local:rules"}
    await ask("changed", "model_aliases", "PUT", "/v1/model-aliases/best", json=other)
    await ask("deleted", "model_aliases", "DELETE", "/v1/model-aliases/best")
    target = await ask(
        "created", "notification_targets", "POST", "/v1/notification-targets",
        json={"kind": "webhook", "address": "https://9.9.9.9/secret", "enabled": False},
    )  # fmt: skip
    at_target = f"/v1/notification-targets/{target['id']}"
    await ask("changed", "notification_targets", "PATCH", at_target, json={"name": "secret"})
    await ask("deleted", "notification_targets", "DELETE", at_target)
    made = await ask(
        "created", "api_keys", "POST", "/v1/keys", json={"name": "secret", "scope": "read"}
    )
    await ask("revoked", "api_keys", "POST", f"/v1/keys/{made['id']}/revoke")
    for kind, thing in (
        ("extraction_batches", batch),
        ("evaluations", evaluation),
        ("models", {"id": tuned["model_id"]}),
        ("fine_tunes", fine_tune),
        ("training_files", training_file),
        ("vocabularies", vocabulary),
        ("datasets", dataset),
    ):
        await ask("deleted", kind, "DELETE", f"/v1/{kind.replace('_', '-')}/{thing['id']}")

    told = (await client.get("/v1/audit-events", params={"limit": 200})).json()["items"]
    events = [each for each in told if each["actor"] != "operator"]
    assert {each["actor"] for each in events} == {key_id}
    noted = {(e["action"], e["kind"], e["subject_id"]): e["request_id"] for e in events}
    assert {change: noted.get(change) for change in asked} == asked
    assert [each["at"] for each in told] == sorted((e["at"] for e in told), reverse=True)
    assert "secret" not in str(told)


async def test_what_is_rolled_back_is_not_noted(app: FastAPI, client: Client) -> None:
    """A change and the note of it are of one transaction."""
    client.headers.update(bearer(ADMIN_KEY))

    async def make_and_fail() -> None:
        async with app.state.platform.work(write=True) as work:
            await Keys(work).create(KeyRequest(name="n", scope="read"))
            raise LookupError

    with acting(Principal("key_0", DEFAULT_WORKSPACE, Scope.ADMIN)), pytest.raises(LookupError):
        await make_and_fail()
    for path in ("/v1/keys", "/v1/audit-events"):
        assert (await client.get(path)).json()["items"] == []


def stored(settings: Settings) -> bytes:
    """All that the data folder holds, and the dump of a PostgreSQL."""
    found = [path.read_bytes() for path in settings.data_dir.rglob("*") if path.is_file()]
    if settings.database_url is not None:
        programs = binaries()
        assert programs is not None
        url = settings.database_url.replace("+psycopg", "")
        dump = [str(programs / "pg_dump"), "--data-only", url]
        found.append(subprocess.run(dump, capture_output=True, check=True, timeout=60).stdout)
    return b"".join(found)


async def test_a_key_is_stored_nowhere(settings: Settings) -> None:
    """In no file and no table, though it was made, used and logged in with; a login neither."""
    async with started(keyed(settings)) as app, client_of(app) as client:
        answer = await client.post(
            "/v1/keys", json={"name": "n", "scope": "write"}, headers=bearer(ADMIN_KEY)
        )
        key: str = answer.json()["key"]
        entered = await client.post("/login", data={"key": key})
        token = entered.headers["Set-Cookie"].split("=", 1)[1].split(";")[0]
        client.cookies.clear()
        alias = {"model": "local:rules"}
        used = await client.put("/v1/model-aliases/best", json=alias, headers=bearer(key))
        assert used.is_success
        await app.state.doorkeeper.note_uses()
    found = await asyncio.to_thread(stored, settings)
    assert answer.json()["id"].encode() in found
    for secret in (key.split("_", 2)[2], token, ADMIN_KEY):
        assert secret.encode() not in found
