"""`/v1/fine-tunes` as a client sees it; the training is real, in its own process."""

import asyncio
import json

import httpx
import pytest

from tests.api.conftest import QUICK, Json, settled

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_fine_tune_goes_its_way(client: httpx.AsyncClient, fine_tune: Json) -> None:
    """Events in order of the states, a training curve, full progress, a model in the catalogue."""
    path = f"/v1/fine-tunes/{fine_tune['id']}"
    events = (await client.get(f"{path}/events")).json()["items"]
    assert [e["type"] for e in events] == ["queued", "preparing", "training", "succeeded"]
    assert [e["sequence"] for e in events] == [1, 2, 3, 4]
    metrics = (await client.get(f"{path}/metrics")).json()["items"]
    assert len({(m["stage"], m["name"], m["step"]) for m in metrics}) == len(metrics) > 3
    assert fine_tune["progress"] == 1.0
    assert fine_tune["hyperparameters"]["preset"] == "fast"
    model = (await client.get(f"/v1/models/{fine_tune['model_id']}")).json()
    assert model["fine_tune_id"] == fine_tune["id"]
    assert (model["kind"], model["name"]) == ("tuned", "sample-fast")


async def test_lineage_can_be_read_back(client: httpx.AsyncClient, fine_tune: Json) -> None:
    """From a model's id to the dataset's version, link by link."""
    model = (await client.get(f"/v1/models/{fine_tune['model_id']}")).json()
    tuned = (await client.get(f"/v1/fine-tunes/{model['fine_tune_id']}")).json()
    rows = (await client.get(f"/v1/training-files/{tuned['training_file_id']}")).json()
    dataset = (await client.get(f"/v1/datasets/{rows['dataset_id']}")).json()
    assert dataset["version"]


async def test_live_events(client: httpx.AsyncClient, training_file: Json) -> None:
    """The stream tells each state and some progress, and ends with the job."""
    request = {"training_file_id": training_file["id"], "hyperparameters": QUICK}
    location = (await client.post("/v1/fine-tunes", json=request)).headers["Location"]
    headers = {"Accept": "text/event-stream"}
    answer = await client.get(f"{location}/events", headers=headers, timeout=60)
    assert answer.headers["content-type"].startswith("text/event-stream")
    frames = [frame.split("\n") for frame in answer.text.strip().split("\n\n")]
    kinds = [line for frame in frames for line in frame if line.startswith("event: ")]
    states = [kind for kind in kinds if kind != "event: progress"]
    assert states == [f"event: {s}" for s in ("queued", "preparing", "training", "succeeded")]
    last = json.loads(frames[-1][-1].removeprefix("data: "))
    assert last["progress"] == 1.0
    resumed = await client.get(f"{location}/events", headers=headers | {"Last-Event-ID": "3"})
    assert "event: succeeded" in resumed.text
    assert "event: training" not in resumed.text


async def test_cancel_stops_the_training(client: httpx.AsyncClient, training_file: Json) -> None:
    """A running training is stopped, says so, and leaves no model; cancelling again is harmless."""
    request = {
        "training_file_id": training_file["id"],
        "hyperparameters": {"preset": "accurate"},
        "name": "to be cancelled",
    }
    location = (await client.post("/v1/fine-tunes", json=request)).headers["Location"]
    async with asyncio.timeout(60):
        while (await client.get(location)).json()["status"] != "training":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    first = await client.post(f"{location}/cancel")
    assert first.json()["status"] in {"cancelling", "cancelled"}
    fine_tune = await settled(client, location)
    assert (fine_tune["status"], fine_tune["model_id"]) == ("cancelled", None)
    assert (await client.post(f"{location}/cancel")).json()["status"] == "cancelled"
    events = (await client.get(f"{location}/events")).json()["items"]
    assert [e["type"] for e in events][-2:] == ["cancelling", "cancelled"]
    models = (await client.get("/v1/models?limit=1000")).json()["items"]
    assert "to be cancelled" not in {model["name"] for model in models}


async def test_what_has_ended_cannot_be_cancelled(
    client: httpx.AsyncClient, fine_tune: Json
) -> None:
    """A success stays one."""
    answer = await client.post(f"/v1/fine-tunes/{fine_tune['id']}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_cancellable")


async def test_model_in_training_is_a_conflict(
    client: httpx.AsyncClient, training_file: Json
) -> None:
    """A fine-tune can be named as a model, once it has succeeded."""
    request = {"training_file_id": training_file["id"], "hyperparameters": QUICK}
    fine_tune = (await client.post("/v1/fine-tunes", json=request)).json()
    extraction = {"model": fine_tune["id"], "text": "Aspirin."}
    answer = await client.post("/v1/extractions", json=extraction)
    assert (answer.status_code, answer.json()["code"]) == (409, "model_not_ready")
    await settled(client, f"/v1/fine-tunes/{fine_tune['id']}")
    assert (await client.post("/v1/extractions", json=extraction)).status_code == 200


async def test_refusals_name_the_field(client: httpx.AsyncClient, training_file: Json) -> None:
    """What is out of range is named by its pointer."""
    good = {"training_file_id": training_file["id"]}
    cases = [
        (good | {"hyperparameters": {"preset": "best"}}, "/hyperparameters/preset"),
        (good | {"hyperparameters": {"c2": -1}}, "/hyperparameters/c2"),
        (good | {"hyperparameters": {"epochs": 3}}, "/hyperparameters/epochs"),
        (good | {"base_model": "bert"}, "/base_model"),
        (good | {"name": ""}, "/name"),
    ]
    for request, pointer in cases:
        answer = await client.post("/v1/fine-tunes", json=request)
        assert answer.status_code == 422, answer.text
        assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]
    answer = await client.post("/v1/fine-tunes", json=good | {"backend": "nowhere"})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_backend")
    answer = await client.post("/v1/fine-tunes", json={"training_file_id": "tf_none"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_idempotency_key_launches_once(
    client: httpx.AsyncClient, training_file: Json
) -> None:
    """A repeated request is the same fine-tune."""
    request = {"training_file_id": training_file["id"], "hyperparameters": QUICK}
    headers = {"Idempotency-Key": "fine-tunes-1"}
    first = await client.post("/v1/fine-tunes", json=request, headers=headers)
    again = await client.post("/v1/fine-tunes", json=request, headers=headers)
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["Idempotency-Replayed"] == "true"
    await client.post(f"{first.headers['Location']}/cancel")
    await settled(client, first.headers["Location"])


async def test_hyperparameters_are_published(client: httpx.AsyncClient) -> None:
    """A client needs no prior knowledge: each field has a type and a description."""
    backends = (await client.get("/v1/backends")).json()["items"]
    schemas = {each["name"]: each["hyperparameters"] for each in backends if each["can_train"]}
    assert "preset" in schemas["local"]["properties"]
    for schema in schemas.values():
        assert all(field.get("description") for field in schema["properties"].values())


async def test_a_fine_tune_is_measured_on_an_evaluation_file(
    client: httpx.AsyncClient, sample: Json, training_file: Json
) -> None:
    """Launched while that file is being built; the scores are the last stage of the curve."""
    request = {"dataset_id": sample["id"], "splits": ["dev"]}
    dev = (await client.post("/v1/training-files", json=request)).json()
    request = {
        "training_file_id": training_file["id"],
        "evaluation_file_id": dev["id"],
        "hyperparameters": QUICK,
    }
    location = (await client.post("/v1/fine-tunes", json=request)).headers["Location"]
    fine_tune = await settled(client, location)
    assert (fine_tune["status"], fine_tune["evaluation_file_id"]) == ("succeeded", dev["id"])
    metrics = (await client.get(f"{location}/metrics")).json()["items"]
    scores = {m["name"]: m["value"] for m in metrics if m["stage"] == "evaluation"}
    assert {f"{task}_f1" for task in ("chemicals", "diseases", "relations")} < set(scores)
    assert 0.5 < scores["chemicals_f1"] <= 1
    in_use = await client.delete(f"/v1/training-files/{dev['id']}")
    assert (in_use.status_code, in_use.json()["code"]) == (409, "in_use")


async def test_delete_takes_the_model_along_if_told_to(
    client: httpx.AsyncClient, training_file: Json
) -> None:
    """A running one is not deleted, one with a model only with it, and then all is gone."""
    request = {"training_file_id": training_file["id"], "hyperparameters": QUICK}
    location = (await client.post("/v1/fine-tunes", json=request)).headers["Location"]
    early = await client.delete(location)
    assert (early.status_code, early.json()["code"]) == (409, "conflict")
    fine_tune = await settled(client, location)
    kept = await client.delete(location)
    assert (kept.status_code, kept.json()["code"]) == (409, "in_use")
    assert (await client.delete(location, params={"cascade": True})).status_code == 204
    for path in (location, f"{location}/events", f"/v1/models/{fine_tune['model_id']}"):
        assert (await client.get(path)).status_code == 404
