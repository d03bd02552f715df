"""Nothing that is another workspace's can be reached by its id or name in a path.

The routes are the application's own: one that is added is tried as well, or the test fails for not
knowing what to put into its path. What is another's is answered word for word as what never was.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from tests.workspaces.answers import never, said
from tests.workspaces.conftest import Served
from tests.workspaces.made import FINETUNED, MARK, Made, cohere_settings
from tests.workspaces.routes import Call, calls

pytestmark = pytest.mark.asyncio(loop_scope="package")

# What is put into a path, by the name of its parameter; the first of them is an id to GET by.
_KINDS: Mapping[str, tuple[str, ...]] = {
    "dataset_id": ("dataset", "cohere_dataset"),
    "training_file_id": ("training_file", "evaluation_file"),
    "file_id": ("training_file",),
    "fine_tune_id": ("fine_tune", "cohere_model"),
    "model_id": ("model", "alias", "fine_tune"),
    "model": ("cohere_model", "model", "alias"),
    "name": ("alias",),
    "batch_id": ("batch",),
    "evaluation_id": ("evaluation",),
    "vocabulary": ("vocabulary", "vocabulary_name"),
    "vocabulary_id": ("vocabulary",),
    "target_id": ("target",),
    "delivery_id": ("delivery",),
    "key_id": ("key",),
}
_COHERE_KINDS: Mapping[str, tuple[str, ...]] = {
    **_KINDS,
    "dataset_id": ("cohere_dataset",),
    "model_id": ("cohere_model", "fine_tune"),
}
_QUERIES: Mapping[str, Mapping[str, str]] = {
    "/v1/vocabularies/{vocabulary}/lookup": {"name": "aspirin"},
    "/v1/datasets/{dataset_id}/export": {"format": "pubtator"},
}
_BODIES: Mapping[str, Any] = {
    "POST /v1/datasets/{dataset_id}/revisions": {
        "documents": [{"id": "1", "split": "train", "title": "Tremor."}]
    },
    "PUT /v1/model-aliases/{name}": {"model": "local:rules"},
    "PATCH /v1/notification-targets/{target_id}": {"name": "new"},
    f"PATCH /cohere{FINETUNED.removeprefix('/cohere')}/{{model_id}}": {
        "name": "new",
        "settings": cohere_settings("ds_0"),
    },
}
# It makes an alias of one's own, whatever another workspace calls by that name.
_OWN = "PUT /v1/model-aliases/{name}"


def _with_ids(served: Served, made: Made) -> Iterator[tuple[Call, dict[str, str]]]:
    """All calls with something of ours in the path, and what is put there."""
    for call in calls(served.app):
        kinds = _COHERE_KINDS if call.path.startswith("/cohere/") else _KINDS
        names = call.parameters
        if names:
            [name] = names
            for kind in kinds[name]:
                yield call, {name: getattr(made, kind)}


async def _send(client: httpx.AsyncClient, call: Call, values: Mapping[str, str]) -> httpx.Response:
    return await client.request(
        call.method, call.at(**values), params=_QUERIES.get(call.path), json=_BODIES.get(str(call))
    )


async def _read(served: Served, made: Made) -> dict[str, str]:
    """All that can be read of ours by an id, by call."""
    found: dict[str, str] = {}
    for call, values in _with_ids(served, made):
        if call.method == "GET" and str(call) not in found:
            answer = await _send(served.ours, call, values)
            assert answer.status_code == 200, (call, answer.text)
            found[str(call)] = answer.text
    return found


async def test_what_is_ours_is_for_them_as_if_it_had_never_been(served: Served, made: Made) -> None:
    before = await _read(served, made)
    tried = 0
    for call, values in _with_ids(served, made):
        if str(call) == _OWN:
            continue
        [(name, ours)] = values.items()
        answer = await _send(served.theirs, call, values)
        other = await _send(served.theirs, call, {name: never(ours)})
        assert answer.status_code == 404, (call, ours, answer.text)
        assert said(answer, ours) == said(other, never(ours)), call
        assert MARK not in said(answer, ours), call
        tried += 1
    assert tried > 100
    assert await _read(served, made) == before
