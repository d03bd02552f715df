"""Many clients at once, and clients that change their mind."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.api.conftest import SAMPLE, Json, settled, upload
from tests.api.test_datasets import ONE
from tests.api.test_storage import stored

pytestmark = pytest.mark.asyncio(loop_scope="package")

CLIENTS = 20


async def create_at_once(client: httpx.AsyncClient, path: str, **request: Any) -> Json:
    """The one resource that many clients with the same key get."""
    headers = {"Idempotency-Key": "all-at-once"}
    answers = await asyncio.gather(
        *(client.post(path, headers=headers, **request) for _ in range(CLIENTS))
    )
    assert {answer.status_code for answer in answers} == {202}, [a.text for a in answers]
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert all(answer.json() == answers[0].json() for answer in answers)
    replayed = [answer.headers.get("Idempotency-Replayed") for answer in answers]
    assert sorted(map(str, replayed)) == ["None"] + ["true"] * (CLIENTS - 1)
    return await settled(client, answers[0].headers["Location"])


async def test_one_key_creates_one_dataset(client: httpx.AsyncClient) -> None:
    """Twenty uploads at once with one key: one dataset, the same answer for all, bytes once."""
    newest = (await client.get("/v1/datasets?limit=1")).json()["items"]
    owners = {name.partition("/")[0] for name in stored(client, "ds_*")}
    dataset = await create_at_once(client, "/v1/datasets", files=[("file", ("x.txt", ONE))])
    assert dataset["status"] == "ready"
    items = (await client.get("/v1/datasets?limit=2")).json()["items"]
    assert [item["id"] for item in items] == [d["id"] for d in [dataset, *newest]]
    now = {name.partition("/")[0] for name in stored(client, "ds_*")}
    assert now - owners == {dataset["id"]}


async def test_one_key_creates_one_training_file(client: httpx.AsyncClient, sample: Json) -> None:
    """Twenty requests at once with one key: one training file."""
    path = f"/v1/training-files?dataset_id={sample['id']}"
    before = (await client.get(path)).json()["items"]
    request = {"dataset_id": sample["id"], "tasks": ["chemicals"]}
    training_file = await create_at_once(client, "/v1/training-files", json=request)
    assert training_file["status"] == "ready"
    after = (await client.get(path)).json()["items"]
    assert [item["id"] for item in after] == [f["id"] for f in [training_file, *before]]


async def test_cancel_of_one_that_waits_and_of_one_that_runs(
    client: httpx.AsyncClient, training_file: Json
) -> None:
    """One that waits never begins; one that runs ends once, however many ask; the queue goes on."""
    request = {
        "training_file_id": training_file["id"],
        "hyperparameters": {"preset": "accurate"},
    }
    running, waiting, last = [
        (await client.post("/v1/fine-tunes", json=request)).headers["Location"] for _ in range(3)
    ]
    async with asyncio.timeout(60):
        while (await client.get(running)).json()["status"] != "training":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert (await client.get(waiting)).json()["status"] == "queued"
    answers = await asyncio.gather(*(client.post(f"{waiting}/cancel") for _ in range(5)))
    assert [(a.status_code, a.json()["status"]) for a in answers] == [(200, "cancelled")] * 5
    answers = await asyncio.gather(*(client.post(f"{running}/cancel") for _ in range(5)))
    assert {a.status_code for a in answers} == {200}
    assert {a.json()["status"] for a in answers} <= {"cancelling", "cancelled"}
    assert (await settled(client, running))["status"] == "cancelled"

    # That the last one begins shows that the queue has passed the one before it.
    async with asyncio.timeout(60):
        while (await client.get(last)).json()["status"] == "queued":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await client.post(f"{last}/cancel")
    assert (await settled(client, last))["status"] == "cancelled"
    expected = {
        running: ["queued", "preparing", "training", "cancelling", "cancelled"],
        waiting: ["queued", "cancelled"],
    }
    for location, types in expected.items():
        events = (await client.get(f"{location}/events")).json()["items"]
        assert [event["type"] for event in events] == types
    ended = (await client.get(waiting)).json()
    assert (ended["status"], ended["started_at"], ended["model_id"]) == ("cancelled", None, None)


async def test_an_alias_put_and_removed_by_many(client: httpx.AsyncClient) -> None:
    """It is moved or made anew, or there is none to remove: never is it half there."""
    path = "/v1/model-aliases/contended"

    async def change(number: int) -> int:
        if number % 2:
            return (await client.delete(path)).status_code
        return (await client.put(path, json={"model": "local:rules"})).status_code

    for _ in range(5):
        assert {*await asyncio.gather(*map(change, range(20)))} <= {200, 204, 404}
    await client.delete(path)


async def test_a_dataset_is_deleted_while_many_read_it(client: httpx.AsyncClient) -> None:
    """They get all of what they ask for, or are told that it is gone."""
    for _ in range(3):
        dataset = await upload(client, SAMPLE.joinpath("dev.pubtator.txt").read_bytes())
        path = f"/v1/datasets/{dataset['id']}"
        parts = ["/documents", "/export?format=bioc_json", "/report"] * 5
        reads = [asyncio.create_task(client.get(path + part)) for part in parts]
        await asyncio.sleep(0)
        assert (await client.delete(path)).status_code == 204
        answers = await asyncio.gather(*reads)
        assert {answer.status_code for answer in answers} <= {200, 404}
