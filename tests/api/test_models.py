"""`/v1/models`, `/v1/model-aliases` and `/v1/backends` as a client sees them."""

import httpx
import pytest

from tests.api.conftest import QUICK, Json, settled

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_catalogue_has_base_and_tuned_models(
    client: httpx.AsyncClient, fine_tune: Json
) -> None:
    """The base model comes first, tuned ones follow page by page, none twice."""
    seen, query = [], {"limit": 1}
    while True:
        page = (await client.get("/v1/models", params=query)).json()
        seen += [model["id"] for model in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen[0] == "local:rules"
    assert fine_tune["model_id"] in seen
    assert len(seen) == len(set(seen))


async def test_alias_can_be_moved(client: httpx.AsyncClient, fine_tune: Json) -> None:
    """Callers of the alias get the model it points to at that moment."""
    for target in ("local:rules", fine_tune["model_id"]):
        answer = await client.put("/v1/model-aliases/production", json={"model": target})
        assert answer.json()["model"] == target
        extraction = {"model": "production", "text": "Aspirin."}
        assert (await client.post("/v1/extractions", json=extraction)).json()["model"] == target
    names = [a["name"] for a in (await client.get("/v1/model-aliases")).json()["items"]]
    assert "production" in names
    missing = await client.put("/v1/model-aliases/other", json={"model": "mdl_none"})
    assert (missing.status_code, missing.json()["code"]) == (404, "model_not_found")
    bad = await client.put("/v1/model-aliases/not a name", json={"model": "local:rules"})
    assert bad.status_code == 422


async def test_alias_can_be_removed(client: httpx.AsyncClient) -> None:
    """It is gone at once, and its model is not; there is nothing to remove then."""
    await client.put("/v1/model-aliases/old", json={"model": "local:rules"})
    assert (await client.delete("/v1/model-aliases/old")).status_code == 204
    names = [a["name"] for a in (await client.get("/v1/model-aliases")).json()["items"]]
    assert "old" not in names
    assert (await client.get("/v1/models/old")).json()["code"] == "model_not_found"
    assert (await client.get("/v1/models/local:rules")).status_code == 200
    again = await client.delete("/v1/model-aliases/old")
    assert (again.status_code, again.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("name", ["cohere:Mrs Miller has asthma", "cohere:"])
async def test_what_is_no_name_is_asked_of_no_server(client: httpx.AsyncClient, name: str) -> None:
    """Servers run models they do not list; but this is none, and is not repeated."""
    answer = await client.post("/v1/extractions", json={"model": name, "text": "x"})
    assert (answer.status_code, answer.json()["code"]) == (404, "model_not_found")
    assert "Miller" not in answer.text


async def test_deleted_model_is_gone_with_its_aliases(
    client: httpx.AsyncClient, training_file: Json
) -> None:
    """A deleted model cannot be used any more; its fine-tune stays as a record."""
    request = {"training_file_id": training_file["id"], "hyperparameters": QUICK}
    location = (await client.post("/v1/fine-tunes", json=request)).headers["Location"]
    model_id = (await settled(client, location))["model_id"]
    await client.put("/v1/model-aliases/short-lived", json={"model": model_id})
    assert (await client.delete(f"/v1/models/{model_id}")).status_code == 204
    assert (await client.delete(f"/v1/models/{model_id}")).status_code == 404
    for name in (model_id, "short-lived", location.rpartition("/")[2]):
        answer = await client.post("/v1/extractions", json={"model": name, "text": "x"})
        assert (answer.status_code, answer.json()["code"]) == (404, "model_not_found")
    assert (await client.get(location)).json()["status"] == "succeeded"
