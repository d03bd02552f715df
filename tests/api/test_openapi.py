"""The OpenAPI file: worth reading, and true."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import Json

pytestmark = pytest.mark.asyncio(loop_scope="package")

GOLDEN = Path(__file__).parent / "openapi.json"
METHODS = {"get", "post", "put", "delete", "patch"}


def operations(document: Json) -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of all calls."""
    return [
        (method, path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


async def test_equals_the_golden_file(client: httpx.AsyncClient) -> None:
    """A change of the API is seen in review; `make openapi` writes the file anew."""
    current = (await client.get("/openapi.json")).json()
    assert current == json.loads(GOLDEN.read_text()), "the API has changed: run `make openapi`"


async def test_every_operation_is_described(client: httpx.AsyncClient) -> None:
    """A summary, a description, a stable id, and problems only as problem+json."""
    document = (await client.get("/openapi.json")).json()
    found = operations(document)
    ids = [operation["operationId"] for _, _, operation in found]
    assert len(set(ids)) == len(ids) > 20
    for method, path, operation in found:
        where = f"{method} {path}"
        assert operation.get("summary"), where
        assert operation.get("description"), where
        for status, response in operation["responses"].items():
            if status.startswith(("4", "5")):
                assert list(response["content"]) == ["application/problem+json"], where


async def test_progress_has_one_unit(client: httpx.AsyncClient) -> None:
    """Whatever takes a while says how far it is from 0 to 1."""
    schemas = (await client.get("/openapi.json")).json()["components"]["schemas"]
    found = {
        name: (each["minimum"], each["maximum"])
        for name, schema in schemas.items()
        if (each := schema.get("properties", {}).get("progress"))
    }
    jobs = ("Dataset", "Evaluation", "ExtractionBatch", "FineTune", "TrainingFile", "Vocabulary")
    assert found == dict.fromkeys(jobs, (0, 1))


async def test_examples_of_requests_are_accepted(
    client: httpx.AsyncClient, fine_tune: Json, sample: Json
) -> None:
    """Each example body, with real ids put in, is accepted by the call it belongs to."""
    document = (await client.get("/openapi.json")).json()
    hook = {"kind": "webhook", "address": "https://example.org", "events": []}
    target = (await client.post("/v1/notification-targets", json=hook)).json()
    tried = 0
    for method, path, operation in operations(document):
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body is None or path == "/v1/keys":  # the first key is not made here
            continue
        # A body that may be left out is one of two: itself or null.
        (schema, *_) = body["schema"].get("anyOf", [body["schema"]])
        if reference := schema.get("$ref"):
            schema = document["components"]["schemas"][reference.rpartition("/")[2]]
        ids = {
            "dataset_id": sample["id"],
            "training_file_id": fine_tune["training_file_id"],
            "model": fine_tune["model_id"],
            "documents": [{"id": "1", "split": "train", "title": "Aspirin and asthma."}],
        }
        request = _example(schema) | {k: v for k, v in ids.items() if k in schema["properties"]}
        path = path.replace("{name}", "example").replace("{dataset_id}", sample["id"])
        path = path.replace("{fine_tune_id}", fine_tune["id"])
        path = path.replace("{target_id}", target["id"])
        answer = await client.request(method, path, json=request)
        assert answer.is_success, (path, request, answer.text)
        tried += 1
        if location := answer.headers.get("Location"):
            await client.post(f"{location}/cancel")
    assert tried == 10


def _example(schema: Json) -> Json:
    if "examples" in schema:
        example: Json = schema["examples"][0]
        return example
    return {
        name: field["examples"][0]
        for name, field in schema["properties"].items()
        if field.get("examples")
    }


async def test_docs_need_no_internet(client: httpx.AsyncClient) -> None:
    """The page names no other host, and its assets are here."""
    page = (await client.get("/docs")).text
    assert "http://" not in page
    assert "https://" not in page
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"):
        assert f"/docs/assets/{asset}" in page
        assert (await client.get(f"/docs/assets/{asset}")).status_code == 200
