"""Nothing that is another workspace's can be named in a body, a form or a query either.

What is asked about it is refused, or answered, word for word as about what never was. A POST that
is added has to be said here: what it names, or that it names nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.api.conftest import Json
from tests.workspaces.answers import never, said
from tests.workspaces.conftest import Served
from tests.workspaces.made import Made, cohere_settings, done, make_dataset, make_vocabulary
from tests.workspaces.routes import calls

pytestmark = pytest.mark.asyncio(loop_scope="package")

# Calls that make something of what was sent, or of nothing, and so name nothing that is there.
_NAME_NOTHING = frozenset(
    {
        "/v1/datasets",
        "/v1/vocabularies",
        "/v1/notification-targets",
        "/v1/keys",
        "/cohere/v1/datasets",
        "/cohere/v1/check-api-key",
        "/datasets",
        "/vocabularies",
        "/notifications",
        "/keys",
        "/login",
        "/logout",
    }
)


def _jsons(made: Made, own: Mapping[str, str]) -> Iterator[tuple[str, Json, str]]:
    """(path, body, what of ours it names); all else in it is there, and theirs."""
    text = {"model": "local:rules", "text": "Tremor."}
    on_own = {"dataset_id": own["dataset"], "split": "dev"}
    tune = {"training_file_id": own["training_file"]}
    evaluation = on_own | {"models": ["local:rules"]}
    for vocabulary in (made.vocabulary, made.vocabulary_name):
        named = {"options": {"vocabularies": [vocabulary]}}
        yield "/v1/extractions", text | named, vocabulary
        yield "/v1/evaluations", evaluation | named, vocabulary
        yield "/v1/extraction-batches", on_own | {"model": "local:rules"} | named, vocabulary
        yield "/v1/fine-tunes", tune | {"vocabularies": [vocabulary]}, vocabulary
    for model in (made.model, made.alias, made.fine_tune):
        yield "/v1/extractions", text | {"model": model}, model
        yield "/v1/evaluations", evaluation | {"models": ["local:rules", model]}, model
        yield "/v1/extraction-batches", on_own | {"model": model}, model
        chat = {"model": model, "messages": [{"role": "user", "content": "Tremor."}]}
        yield "/cohere/v2/chat", chat, model
        yield "/cohere/v1/chat", {"model": model, "message": "Tremor."}, model
        yield "/cohere/v1/generate", {"model": model, "prompt": "Tremor."}, model
        yield "/cohere/v1/tokenize", {"model": model, "text": "Tremor."}, model
        yield "/cohere/v1/detokenize", {"model": model, "tokens": [65]}, model
    cohere = f"{made.cohere_model}-ft"
    yield (
        "/cohere/v2/chat",
        {"model": cohere, "messages": [{"role": "user", "content": "x"}]},
        cohere,
    )
    for dataset in (made.dataset, made.cohere_dataset):
        yield "/v1/training-files", {"dataset_id": dataset}, dataset
        yield "/v1/evaluations", evaluation | {"dataset_id": dataset}, dataset
        on_it = {"dataset_id": dataset, "model": "local:rules"}
        yield "/v1/extraction-batches", on_it, dataset
        asked = {"name": "n", "settings": cohere_settings(dataset)}
        yield "/cohere/v1/finetuning/finetuned-models", asked, dataset
    yield "/v1/fine-tunes", {"training_file_id": made.training_file}, made.training_file
    file = made.evaluation_file
    yield "/v1/fine-tunes", tune | {"evaluation_file_id": file}, file
    notify = {"notify": [made.target]}
    yield "/v1/fine-tunes", tune | notify, made.target
    yield "/v1/evaluations", evaluation | notify, made.target
    yield "/v1/extraction-batches", on_own | {"model": "local:rules"} | notify, made.target


def _forms(made: Made, own: Mapping[str, str]) -> Iterator[tuple[str, Json, str]]:
    """The same of the console's forms."""
    dataset = own["dataset"]
    tune = {"training_file_id": own["training_file"], "backend": "local", "fields_of": "local"}
    evaluation = {"dataset_id": dataset, "models": "local:rules", "splits": "dev"}
    batch = {"dataset_id": dataset, "model": "local:rules", "splits": "dev"}
    yield "/training-files", {"dataset_id": made.dataset, "splits": "train"}, made.dataset
    yield "/fine-tunes", tune | {"training_file_id": made.training_file}, made.training_file
    yield "/fine-tunes", tune | {"evaluation_file_id": made.evaluation_file}, made.evaluation_file
    yield "/fine-tunes", tune | {"vocabularies": made.vocabulary}, made.vocabulary
    yield "/fine-tunes", tune | {"notify": made.target}, made.target
    yield "/models/aliases", {"name": "sly", "model": made.model}, made.model
    yield "/evaluations", evaluation | {"dataset_id": made.dataset}, made.dataset
    yield "/evaluations", evaluation | {"models": made.model}, made.model
    yield "/evaluations", evaluation | {"notify": made.target}, made.target
    yield "/evaluations", evaluation | {"options.vocabularies": made.vocabulary}, made.vocabulary
    yield "/batches/from-dataset", batch | {"dataset_id": made.dataset}, made.dataset
    yield "/batches/from-dataset", batch | {"model": made.alias}, made.alias
    yield "/batches/from-dataset", batch | {"notify": made.target}, made.target
    yield "/batches", {"model": made.model}, made.model
    asked = {"text": "Tremor.", "model": "local:rules"}
    yield "/playground", asked | {"model": made.model}, made.model
    yield "/playground", asked | {"other": made.alias}, made.alias
    yield "/playground", asked | {"options.vocabularies": made.vocabulary}, made.vocabulary
    correction = {"text": "Tremor.", "action": "save", "document_id": "1", "mentions": "0"}
    saved = correction | {"target": f"{made.dataset}:train", "relations": "0"}
    yield "/playground/corrections", saved, made.dataset


async def _own(served: Served) -> dict[str, str]:
    """What of theirs stands in requests that name something of ours beside it."""
    dataset = await make_dataset(served.theirs)
    file = await done(
        served.theirs, "/v1/training-files", {"dataset_id": dataset["id"], "splits": ["train"]}
    )
    return {"dataset": dataset["id"], "training_file": file["id"]}


async def test_what_names_ours_is_refused_as_if_it_had_never_been(
    served: Served, made: Made
) -> None:
    own = await _own(served)
    tried: set[str] = set()
    for how, requests in (("json", _jsons), ("data", _forms)):
        for path, body, ours in requests(made, own):
            absent = _replaced(body, ours, never(ours))
            answer, other = [
                await served.theirs.request("POST", path, **_sent(how, each))
                for each in (body, absent)
            ]
            # The playground says of each model by itself what it answered.
            assert answer.status_code >= 400 or path == "/playground", (path, body, answer.text)
            assert said(answer, ours) == said(other, never(ours)), (path, body)
            tried.add(path)
    for model in (made.model, made.alias):
        put = await served.theirs.put("/v1/model-aliases/sly", json={"model": model})
        assert put.status_code == 404
    posts = {c.path for c in calls(served.app) if c.method == "POST" and not c.parameters}
    assert posts - tried - _NAME_NOTHING == set()


def _sent(how: str, body: Json) -> Any:
    return {how: body}


def _replaced(body: Any, old: str, new: str) -> Any:
    if isinstance(body, dict):
        return {key: _replaced(value, old, new) for key, value in body.items()}
    if isinstance(body, list):
        return [_replaced(value, old, new) for value in body]
    return body.replace(old, new) if isinstance(body, str) else body


# Of queries; a page may have any of them in its address, whether it reads it or not.
_QUERY_KINDS: Mapping[str, str] = {
    "dataset_id": "dataset",
    "training_file_id": "training_file",
    "evaluation_file_id": "evaluation_file",
    "model": "model",
    "models": "model",
    "other": "alias",
    "base": "dataset",
    "vocabularies": "vocabulary",
    "notify": "target",
}


# Lists that show ours to us: a test that finds nothing there would prove nothing.
_LISTS = {
    "/v1/audit-events",
    "/v1/datasets",
    "/v1/evaluations",
    "/v1/extraction-batches",
    "/v1/fine-tunes",
    "/v1/keys",
    "/v1/model-aliases",
    "/v1/models",
    "/v1/notification-targets",
    "/v1/training-files",
    "/v1/vocabularies",
    "/cohere/v1/datasets",
    "/cohere/v1/finetuning/finetuned-models",
    "/cohere/v1/models",
    "/datasets",
    "/fine-tunes",
    "/models",
    "/notifications",
}


async def test_lists_and_queries_show_nothing_of_ours(served: Served, made: Made) -> None:
    """Nor do all other pages that are about nothing in particular; ours show it to us."""
    shown: set[str] = set()
    for call in calls(served.app):
        if call.method != "GET" or call.parameters:
            continue
        known = (await served.ours.get(call.path)).text
        if any(each in known for each in made.all):
            shown.add(call.path)
        plain = await served.theirs.get(call.path)
        for each in made.all:
            if each not in (made.alias, made.vocabulary_name):
                assert each not in plain.text, (call, each)
        for name, kind in _QUERY_KINDS.items():
            ours = getattr(made, kind)
            found = await served.theirs.get(call.path, params={name: ours})
            absent = await served.theirs.get(call.path, params={name: never(ours)})
            if call.path != "/metrics":
                assert said(found, ours) == said(absent, never(ours)), (call, name)
    assert shown >= _LISTS


async def test_cursors_lead_into_no_other_workspace(served: Served, made: Made) -> None:
    """Where our second page begins there is nothing of ours for them."""
    for path in ("/v1/datasets", "/v1/training-files", "/v1/fine-tunes", "/v1/models"):
        page = (await served.ours.get(path, params={"limit": 1})).json()
        found = await served.theirs.get(path, params={"cursor": page["next_cursor"]})
        assert found.status_code == 200, found.text
        assert not any(each in found.text for each in made.all if each.count("_") == 1), path


async def test_names_may_be_those_of_another_workspace(served: Served, made: Made) -> None:
    """Aliases, vocabularies and Idempotency-Keys."""
    vocabulary = await make_vocabulary(served.theirs, "MESH:D014640\tMarigold extract\n")
    assert vocabulary["status"] == "ready", vocabulary
    found = [
        (await each.get(f"/v1/vocabularies/{made.vocabulary_name}")).json()["id"]
        for each in (served.ours, served.theirs)
    ]
    assert found == [made.vocabulary, vocabulary["id"]]
    path = f"/v1/model-aliases/{made.alias}"
    assert (await served.theirs.put(path, json={"model": "local:rules"})).status_code == 200
    for client, model in ((served.ours, made.model), (served.theirs, "local:rules")):
        asked = {"model": made.alias, "text": "Tremor."}
        assert (await client.post("/v1/extractions", json=asked)).json()["model"] == model
    key = {"Idempotency-Key": "the same"}
    answers = [
        await client.post(
            "/v1/notification-targets",
            json={"kind": "webhook", "address": f"http://127.0.0.1:9/{n}", "events": []},
            headers=key,
        )
        for n, client in enumerate((served.ours, served.theirs))
    ]
    assert [each.status_code for each in answers] == [201, 201]
    assert answers[0].json()["id"] != answers[1].json()["id"]
    for client, answer in zip((served.ours, served.theirs), answers, strict=True):
        target = f"/v1/notification-targets/{answer.json()['id']}"
        assert (await client.delete(target)).status_code == 204
    # As it was, for the tests that come after.
    assert (await served.theirs.delete(path)).status_code == 204
    gone = await served.theirs.delete(f"/v1/vocabularies/{vocabulary['id']}")
    assert gone.status_code == 204
