"""Errors that belong to no room: always problem+json, with an id, never with what was sent."""

import httpx
import pytest

from app.platform.problem_json import field_errors
from app.platform.settings import Settings
from tests.api.conftest import Json

pytestmark = pytest.mark.asyncio(loop_scope="package")

FIELDS = {"type", "title", "status", "detail", "instance", "code", "hint"}


async def test_every_error_is_a_problem(client: httpx.AsyncClient, sample: Json) -> None:
    """404, 405, malformed JSON, wrong content type: one shape."""
    json_type = {"Content-Type": "application/json"}
    answers = [
        (await client.get("/nowhere"), 404, "not_found"),
        (await client.get("/v1/datasets/ds_none"), 404, "not_found"),
        (await client.put("/v1/datasets"), 405, "method_not_allowed"),
        (await client.get("/v1/datasets?limit=0"), 422, "invalid_request"),
        (
            await client.post("/v1/extractions", content=b"{no", headers=json_type),
            422,
            "invalid_request",
        ),
        (await client.post("/v1/extractions", content=b"{}"), 415, "unsupported_media_type"),
        (await client.post("/v1/extractions", json=[]), 422, "invalid_request"),
        (await client.get("/v1/datasets/"), 404, "not_found"),
        (await client.get("/v1/datasets?cursor=AA"), 400, "invalid_cursor"),
    ]
    for answer, status, code in answers:
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert set(problem) - {"errors"} == FIELDS
        assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
        assert problem["instance"] == answer.headers["X-Request-ID"]


async def test_malformed_json_is_told_of_the_whole_body(client: httpx.AsyncClient) -> None:
    """Not of a place in its bytes, which is no JSON pointer."""
    headers = {"Content-Type": "application/json"}
    answer = await client.post("/v1/extractions", content=b'{"model": "x", ', headers=headers)
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("", "json_invalid")


async def test_a_method_too_many_is_told_all_that_the_path_has(client: httpx.AsyncClient) -> None:
    """Those of all its routes; a path of files and one of /cohere say their own."""
    for path, methods in {
        "/v1/datasets": "GET, POST",
        "/v1/model-aliases/x": "DELETE, PUT",
        "/assets/console.css": "GET, HEAD",
        "/cohere/v1/chat": "POST",
    }.items():
        answer = await client.patch(path)
        assert (answer.status_code, answer.headers["allow"]) == (405, methods), path


async def test_hyperparameters_nested_without_end_are_refused(client: httpx.AsyncClient) -> None:
    """Depth is measured without recursion, before anything else touches the value."""
    body = b'{"training_file_id": "x", "hyperparameters": {"a": ' + b"[" * 400 + b"]" * 400 + b"}}"
    headers = {"Content-Type": "application/json"}
    answer = await client.post("/v1/fine-tunes", content=body, headers=headers)
    assert answer.status_code in {400, 422}, answer.text


async def test_names_that_are_not_ours_are_not_repeated(client: httpx.AsyncClient) -> None:
    """A misspelt field is named; what could be text is not."""
    request = {"model": "local:rules", "text": "x", "tekst": "x", "Mr Smith has asthma": 1}
    answer = await client.post("/v1/extractions", json=request)
    assert "Smith" not in answer.text
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/tekst", ""]


async def test_a_pointer_is_one_whatever_a_field_is_called() -> None:
    """Its own marks are escaped (RFC 6901); lists count from zero, and a query is no body."""
    places = [("body", "prices", "a/b~1", 0), ("query", "limit"), ("body",)]
    faults = field_errors([{"loc": each, "type": "x", "msg": "m"} for each in places])
    assert [each.pointer for each in faults] == ["/prices/a~1b~01/0", "/query/limit", ""]


async def test_request_id_is_taken_over_if_sane(client: httpx.AsyncClient) -> None:
    """A caller's id is kept; one that could break a log line is replaced."""
    kept = await client.get("/healthz", headers={"X-Request-ID": "trace-1"})
    assert kept.headers["X-Request-ID"] == "trace-1"
    replaced = await client.get("/healthz", headers={"X-Request-ID": 'a "b" c'})
    assert replaced.headers["X-Request-ID"] != 'a "b" c'


async def test_body_has_a_cap(client: httpx.AsyncClient) -> None:
    """A body over the cap is refused while it is being read."""
    limit = Settings(_env_file=None).max_body_bytes

    async def endless() -> object:
        for _ in range(limit // 2**20 + 2):
            yield b" " * 2**20

    headers = {"Content-Type": "application/json"}
    answer = await client.post("/v1/extractions", content=endless(), headers=headers)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_healthy_and_ready(client: httpx.AsyncClient) -> None:
    """Both probes answer, the second one with what it has looked at."""
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    ready = (await client.get("/readyz")).json()
    assert ready["status"] == "ok"
    assert {"database", "jobs", "blobs", "backend:local"} <= set(ready["checks"])
    assert set(ready["checks"].values()) == {"ok"}


async def test_many_faults_are_not_all_told(client: httpx.AsyncClient) -> None:
    """A request that is wrong in a thousand places is told of a hundred, and how many there are."""
    request = {"model": "local:rules", "text": "x", **{f"field{n}": 1 for n in range(1000)}}
    problem = (await client.post("/v1/extractions", json=request)).json()
    assert problem["detail"] == "1000 fields are not valid."
    assert len(problem["errors"]) == 100


@pytest.mark.parametrize("path", ["/v1/fine-tunes/ft_0/cancel", "/cohere/v1/chat", "/playground"])
async def test_a_page_of_another_site_is_refused_everywhere(
    client: httpx.AsyncClient, path: str
) -> None:
    """On the API, on Cohere's and in the console, before anything is looked at."""
    answer = await client.post(path, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    told = {"v1": '"forbidden_origin"', "cohere": '"message"', "playground": "<!doctype html>"}
    assert told[path.split("/")[1]] in answer.text
