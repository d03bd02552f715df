"""What each call takes, as a table: whoever adds a call has to say it here."""

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.routing import Mount

from app.entrance import needed_scope
from app.main import create_app
from app.platform.access import Scope
from app.platform.settings import Settings
from tests.keys.keyed import Client, bearer, make

OPEN = """
GET /healthz
GET /readyz
"""
READ = """
GET /metrics
GET /v1/backends
GET /v1/datasets
GET /v1/datasets/{dataset_id}
GET /v1/datasets/{dataset_id}/documents
GET /v1/datasets/{dataset_id}/export
GET /v1/datasets/{dataset_id}/report
GET /v1/evaluations
GET /v1/evaluations/{evaluation_id}
GET /v1/evaluations/{evaluation_id}/comparison
GET /v1/evaluations/{evaluation_id}/errors
GET /v1/extraction-batches
GET /v1/extraction-batches/{batch_id}
GET /v1/extraction-batches/{batch_id}/events
GET /v1/extraction-batches/{batch_id}/failures
GET /v1/extraction-batches/{batch_id}/results
POST /v1/extractions
GET /v1/fine-tunes
GET /v1/fine-tunes/{fine_tune_id}
GET /v1/fine-tunes/{fine_tune_id}/events
GET /v1/fine-tunes/{fine_tune_id}/metrics
GET /v1/model-aliases
GET /v1/models
GET /v1/models/{model_id}
GET /v1/models/{model_id}/card
GET /v1/notification-deliveries/{delivery_id}
GET /v1/notification-targets
GET /v1/notification-targets/{target_id}
GET /v1/notification-targets/{target_id}/deliveries
GET /v1/training-files
GET /v1/training-files/{training_file_id}
GET /v1/training-files/{training_file_id}/content
GET /v1/vocabularies
GET /v1/vocabularies/{vocabulary}
GET /v1/vocabularies/{vocabulary}/lookup
POST /cohere/v1/chat
POST /cohere/v2/chat
POST /cohere/v1/generate
POST /cohere/v1/tokenize
POST /cohere/v1/detokenize
POST /cohere/v1/check-api-key
GET /cohere/v1/models
GET /cohere/v1/models/{model}
GET /cohere/v1/datasets
GET /cohere/v1/datasets/usage
GET /cohere/v1/datasets/{dataset_id}
GET /cohere/v1/finetuning/finetuned-models
GET /cohere/v1/finetuning/finetuned-models/{model_id}
GET /cohere/v1/finetuning/finetuned-models/{model_id}/events
GET /cohere/v1/finetuning/finetuned-models/{model_id}/training-step-metrics
"""
WRITE = """
POST /v1/datasets
DELETE /v1/datasets/{dataset_id}
POST /v1/datasets/{dataset_id}/revisions
POST /v1/evaluations
DELETE /v1/evaluations/{evaluation_id}
POST /v1/evaluations/{evaluation_id}/cancel
POST /v1/extraction-batches
DELETE /v1/extraction-batches/{batch_id}
POST /v1/extraction-batches/{batch_id}/cancel
POST /v1/fine-tunes
DELETE /v1/fine-tunes/{fine_tune_id}
POST /v1/fine-tunes/{fine_tune_id}/cancel
POST /v1/fine-tunes/{fine_tune_id}/repeat
PUT /v1/model-aliases/{name}
DELETE /v1/model-aliases/{name}
DELETE /v1/models/{model_id}
POST /v1/notification-deliveries/{delivery_id}/replay
POST /v1/notification-targets
PATCH /v1/notification-targets/{target_id}
DELETE /v1/notification-targets/{target_id}
POST /v1/notification-targets/{target_id}/test
POST /v1/training-files
DELETE /v1/training-files/{training_file_id}
POST /v1/vocabularies
DELETE /v1/vocabularies/{vocabulary}
POST /cohere/v1/datasets
DELETE /cohere/v1/datasets/{dataset_id}
POST /cohere/v1/finetuning/finetuned-models
PATCH /cohere/v1/finetuning/finetuned-models/{model_id}
DELETE /cohere/v1/finetuning/finetuned-models/{model_id}
"""
ADMIN = """
GET /v1/audit-events
GET /v1/keys
POST /v1/keys
GET /v1/keys/{key_id}
POST /v1/keys/{key_id}/revoke
"""
MAKE_JOBS = frozenset(
    """
POST /v1/datasets
POST /v1/datasets/{dataset_id}/revisions
POST /v1/training-files
POST /v1/fine-tunes
POST /v1/fine-tunes/{fine_tune_id}/repeat
POST /v1/evaluations
POST /v1/extraction-batches
POST /v1/vocabularies
""".strip().splitlines()
)
TABLE: dict[str, str] = {
    call: scope
    for scope, calls in {"open": OPEN, "read": READ, "write": WRITE, "admin": ADMIN}.items()
    for call in calls.split("\n")
    if call
}
ENOUGH = {
    "read": {"read", "write", "admin"},
    "write": {"write", "admin"},
    "admin": {"admin"},
}


@pytest.fixture
def service(tmp_path: Path) -> FastAPI:
    """One that does not run."""
    return create_app(Settings(data_dir=tmp_path, _env_file=None))


def operations(document: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    return {
        f"{method.upper()} {prefix}{path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def cohere_api(service: FastAPI) -> FastAPI:
    (found,) = [
        route.app
        for route in service.router.routes
        if isinstance(route, Mount) and route.path == "/cohere"
    ]
    assert isinstance(found, FastAPI)
    return found


def test_the_table_has_every_call(service: FastAPI) -> None:
    """Those of the OpenAPI file and those under /cohere, and no others."""
    calls = operations(service.openapi()) | operations(cohere_api(service).openapi(), "/cohere")
    assert set(TABLE) == set(calls)
    for call, scope in TABLE.items():
        if scope != "open":
            assert needed_scope(*call.split(" ")).word == scope, call


def test_the_openapi_file_tells_it(service: FastAPI) -> None:
    """Which scope, in words as well, and how one is refused; probes ask for nothing."""
    document = service.openapi()
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    for call, operation in operations(document).items():
        scope = TABLE[call]
        if scope == "open":
            assert "security" not in operation, call
            assert not operation["responses"].keys() & {"401", "403", "429"}, call
            continue
        assert operation["security"] == [{"key": [scope]}], call
        assert operation["description"].endswith(f"Scope: `{scope}`."), call
        told = {
            code
            for status in ("401", "403", "429")
            for problem in operation["responses"][status]["content"].values()
            for code in problem["examples"]
        }
        refusals = {"unauthenticated", "forbidden_scope", "forbidden_host", "forbidden_origin"}
        jobs = {"too_many_jobs"} if call in MAKE_JOBS else set()
        assert told == refusals | {"rate_limited"} | jobs, call
        assert list(operation["responses"]) == sorted(operation["responses"])


async def test_each_call_takes_what_the_table_says(app: FastAPI, client: Client) -> None:
    """With a narrower key it is refused, before a body is looked at; with another, not for it."""
    keys = {scope.word: (await make(app, scope.word))[1] for scope in Scope}
    for call, scope in TABLE.items():
        method, path = call.split(" ")
        if path.endswith("/events") or scope == "open":
            continue  # streams would be waited for
        path = path.replace("{", "").replace("}", "")
        assert (await client.request(method, path)).status_code == 401, call
        for held, key in keys.items():
            answer = await client.request(method, path, headers=bearer(key))
            refused = answer.status_code in (401, 403)
            assert refused is (held not in ENOUGH[scope]), (call, held, answer.text)


async def test_the_refusal_names_the_scope(app: FastAPI, client: Client) -> None:
    """In a problem, or in Cohere's shape."""
    _, key = await make(app, "read")
    problem = (await client.delete("/v1/datasets/ds_0", headers=bearer(key))).json()
    assert problem["code"] == "forbidden_scope"
    assert "write" in problem["detail"]
    answer = await client.delete("/cohere/v1/datasets/ds_0", headers=bearer(key))
    assert answer.status_code == 403
    assert answer.json().keys() == {"id", "message"}
    assert "write" in answer.json()["message"]
