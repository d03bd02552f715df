"""While a server is asked what models it has, the database is free for all others."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
from pydantic import BaseModel
from sqlalchemy import text
from structlog.testing import capture_logs

from app.backends.base import BaseModelInfo
from app.fine_tunes.states import Status
from app.platform.database import Database
from app.platform.settings import Settings
from app.prompts.tasks import Task
from tests.fine_tunes.serving import Backend, Service, service

_NAME = "elsewhere"
_MODEL = f"{_NAME}:one"
# Given up by then: nothing is as slow as whoever waits for itself.
_SECONDS = 10


class _Hyperparameters(BaseModel):
    """There are none."""


class _Elsewhere(Backend):
    """Answers what models it has once another write has gone through; `held` tells of those that
    did not, or that found a connection in use."""

    name = _NAME
    lists_all_models = False
    hyperparameters = _Hyperparameters

    def __init__(self, database: Database) -> None:
        self._database = database
        self.asked = 0
        self.held: list[str] = []

    async def base_models(self) -> Sequence[BaseModelInfo]:
        self.asked += 1
        if self._database._engine.pool.checkedout():  # type: ignore[attr-defined]
            self.held.append("a connection")
        try:
            async with (
                asyncio.timeout(_SECONDS),
                self._database.transaction(write=True) as session,
            ):
                await session.execute(text("DELETE FROM console_sessions"))
        except TimeoutError:
            self.held.append("the writer's turn")
        return [BaseModelInfo("one", "", frozenset(Task), can_tune=True)]


_CALLS = {
    "POST /v1/fine-tunes": {"training_file_id": "{file}", "backend": _NAME, "base_model": "one"},
    "POST /v1/fine-tunes/{tune}/repeat": {"backend": _NAME, "base_model": "one"},
    "POST /v1/evaluations": {"dataset_id": "{dataset}", "models": [_MODEL], "tasks": ["chemicals"]},
    "PUT /v1/model-aliases/new": {"model": _MODEL},
    "POST /v1/extraction-batches": {"dataset_id": "{dataset}", "model": "new"},
    "GET /v1/models": None,
    f"GET /v1/models/{_MODEL}": None,
    f"GET /v1/models/{_MODEL}/card": None,
    "GET /v1/backends": None,
    "GET /cohere/v1/models": None,
    f"GET /cohere/v1/models/{_MODEL}": None,
    "POST /cohere/v1/finetuning/finetuned-models": {
        "name": "new",
        "settings": {
            "base_model": {"base_type": "BASE_TYPE_CHAT", "name": _MODEL},
            "dataset_id": "{dataset}",
        },
    },
}
_FORMS = {
    "POST /fine-tunes": {
        "training_file_id": "{file}",
        "backend": _NAME,
        "fields_of": _NAME,
        "base_model": "one",
    },
    "POST /fine-tunes/{tune}/repeat": {"backend": _NAME},
    "POST /batches/from-dataset": {"dataset_id": "{dataset}", "model": _MODEL},
    "POST /evaluations": {"dataset_id": "{dataset}", "models": _MODEL, "tasks": "chemicals"},
    "POST /models/aliases": {"name": "new", "model": _MODEL},
    "GET /fine-tunes/new": None,
    "GET /fine-tunes/{tune}": None,
    "GET /evaluations/new": None,
    "GET /models": None,
    f"GET /models/{_MODEL}": None,
    "GET /playground": None,
}
_TAKEN = {200, 202, 303}


async def test_no_transaction_waits_for_a_server(settings: Settings) -> None:
    """Whatever is asked for over the API or on a page, each for the first time."""
    # Starting a job fails without an engine, and telling of it takes its time.
    with capture_logs():
        async with service(settings) as served:
            found = await _found(served)
    assert found == {}


async def _found(served: Service) -> dict[str, object]:
    """Calls that went wrong, and how."""
    backend = _Elsewhere(served.platform.database)
    served.backends._backends[_NAME] = backend
    tune = await served.add(Status.SUCCEEDED)
    named = {
        "{tune}": tune,
        "{file}": served.training_file_id,
        "{dataset}": served.dataset_id,
    }
    found: dict[str, object] = {}
    for sent, calls in (("json", _CALLS), ("data", _FORMS)):
        for call, body in calls.items():
            before = backend.asked
            answer = await _ask(served.client, _filled(call, named), sent, _filled(body, named))
            asked = backend.asked > before
            if answer.status_code not in _TAKEN or not asked or backend.held:
                found[call] = (answer.status_code, asked, backend.held, answer.text[-3000:])
                backend.held = []
    return found


async def _ask(client: httpx.AsyncClient, call: str, sent: str, body: Any) -> httpx.Response:
    method, path = call.split()
    return await client.request(method, path, **({} if body is None else {sent: body}))


def _filled(asked: Any, named: dict[str, str]) -> Any:
    """The same with the ids it names."""
    if isinstance(asked, dict):
        return {key: _filled(value, named) for key, value in asked.items()}
    if isinstance(asked, list):
        return [_filled(value, named) for value in asked]
    if isinstance(asked, str):
        for name, id_ in named.items():
            asked = asked.replace(name, id_)
    return asked
