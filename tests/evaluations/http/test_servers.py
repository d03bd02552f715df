"""Models of a server: tokens and costs, names that are not in the text, and a server that fails."""

from pathlib import Path
from typing import cast

import httpx
import pytest
from fastapi import FastAPI

from tests.api.conftest import Json, settled
from tests.backends.openai.server import Fault, Server
from tests.evaluations.http.conftest import evaluate, sample_of, until_running

pytestmark = pytest.mark.asyncio(loop_scope="package")

SAYS = {"diseases": "- paralysis\n- wooden leg\n", "chemicals": "- methadone\n"}


def blobs(client: httpx.AsyncClient, evaluation: Json) -> list[Path]:
    """What is kept of the documents of an evaluation."""
    app = cast(FastAPI, cast(httpx.ASGITransport, client._transport).app)
    folder: Path = app.state.platform.settings.data_dir / "blobs" / evaluation["id"]
    return list(folder.glob("*"))


async def test_tokens_and_costs(client: httpx.AsyncClient, sample: Json, server: Server) -> None:
    """Each document is asked about once a task, all in all at eight at a time, and charged for."""
    server.says = dict(SAYS)
    server.hold_until = 8 * 2
    evaluation = await evaluate(
        client,
        models=["openai:base", "local:rules"],
        dataset_id=sample["id"],
        split="dev",
        tasks=["diseases", "chemicals"],
        options={"mode": "list"},
        prices={"openai:base": {"input": 2.0, "output": 5.0, "currency": "EUR"}},
        resamples=100,
    )
    assert evaluation["status"] == "succeeded", evaluation["error"]
    model, rules = evaluation["results"]
    assert len(server.asked) == 2 * evaluation["documents"] == 56
    assert server.most_open == 16
    assert model["usage"] == {"input_tokens": 56 * 7, "output_tokens": 56 * 3}
    assert model["cost"] == {"amount": (56 * 7 * 2.0 + 56 * 3 * 5.0) / 1e6, "currency": "EUR"}
    assert (rules["cost"], rules["ungrounded"], model["overlap"]) == (None, 0, None)
    # The wooden leg is in no document, and wrong by name; what has no place is no mention.
    assert model["ungrounded"] >= 28
    diseases = model["scores"]["diseases"]
    assert diseases["surfaces"]["fp"] >= diseases["mentions_strict"]["fp"] + 28


async def test_answers_belong_to_their_documents(
    client: httpx.AsyncClient, sample: Json, server: Server
) -> None:
    """The first answers come last: each is scored against its own document all the same."""
    server.says = dict(SAYS)
    request = {
        "models": ["openai:base"],
        "dataset_id": sample["id"],
        "split": "dev",
        "tasks": ["chemicals"],
        "options": {"mode": "list"},
    }
    calm = await evaluate(client, **request)
    server.fault = Fault(503, "{}", {"retry-after": "0"}, delay=0.2, times=1)
    late = await evaluate(client, **request)
    assert calm["results"][0]["scores"]["chemicals"]["mentions_strict"]["tp"] > 0
    assert late["status"] == "succeeded", late["error"]
    assert late["results"][0]["scores"] == calm["results"][0]["scores"]
    (one,), (other,) = blobs(client, calm), blobs(client, late)
    assert one.read_bytes() == other.read_bytes()


async def test_a_server_that_fails_for_good(
    client: httpx.AsyncClient, sample: Json, server: Server
) -> None:
    """The evaluation fails with the backend's code, and keeps nothing, of other models neither."""
    server.fault = Fault(401, "{}")
    evaluation = await evaluate(
        client, models=["local:rules", "openai:base"], dataset_id=sample["id"], split="dev"
    )
    assert (evaluation["status"], evaluation["error"]["code"]) == ("failed", "backend_failed")
    assert (evaluation["results"], evaluation["comparisons"]) == ([], [])
    assert blobs(client, evaluation) == []
    path = f"/v1/evaluations/{evaluation['id']}"
    answer = await client.get(f"{path}/errors")
    assert (answer.status_code, answer.json()["code"]) == (409, "evaluation_not_ready")
    answer = await client.post(f"{path}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_cancellable")
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404


async def test_a_vocabulary_is_kept_while_it_is_needed(
    client: httpx.AsyncClient, sample: Json, server: Server
) -> None:
    """One that an evaluation at work or waiting names cannot be deleted; once it has ended it can.

    Not even with `cascade`: what runs is cancelled first.
    """
    files = {"file": ("x.txt", b"D008691\tmethadone\n")}
    data = {"name": "needed", "type": "Chemical"}
    answer = await client.post("/v1/vocabularies", files=files, data=data)
    await settled(client, answer.headers["Location"])
    server.fault = Fault(200, "{}", delay=30)
    request = {"dataset_id": sample["id"], "split": "dev", "tasks": ["chemicals"]}
    request |= {"models": ["openai:base"], "options": {"vocabularies": ["needed"]}}
    at_work, waiting = [
        (await client.post("/v1/evaluations", json=request)).headers["Location"] for _ in range(2)
    ]
    await until_running(client, at_work)
    for location in (at_work, waiting):
        for query, code in (("", "in_use"), ("?cascade=true", "conflict")):
            refused = await client.delete(f"/v1/vocabularies/needed{query}")
            assert (refused.status_code, refused.json()["code"]) == (409, code)
            assert (await client.get("/v1/vocabularies/needed")).json()["status"] == "ready"
        await client.post(f"{location}/cancel")
    assert (await client.delete("/v1/vocabularies/needed")).status_code == 204


async def test_cancelled_while_it_waits(
    client: httpx.AsyncClient, sample: Json, server: Server
) -> None:
    """It ends at once, lets the next one begin soon, and is deleted only then."""
    server.fault = Fault(200, "{}", delay=30)
    request = {"models": ["openai:base"], "dataset_id": sample["id"], "split": "dev"}
    slow = (await client.post("/v1/evaluations", json=request)).headers["Location"]
    await until_running(client, slow)
    early = await client.delete(slow)
    assert (early.status_code, early.json()["code"]) == (409, "conflict")
    for _ in range(2):
        answer = await client.post(f"{slow}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    # Only one is done at a time: this one ends because the other has let go.
    following = await evaluate(client, models=["local:rules"], dataset_id=sample["id"], split="dev")
    assert following["status"] == "succeeded"
    cancelled = (await client.get(slow)).json()
    assert (cancelled["status"], cancelled["results"]) == ("cancelled", [])
    assert blobs(client, cancelled) == []
    assert (await client.delete(slow)).status_code == 204


async def test_a_dataset_that_was_evaluated_on_is_in_use(client: httpx.AsyncClient) -> None:
    """It is deleted only with its evaluations, and what they keep."""
    dataset = await sample_of(client)
    evaluation = await evaluate(
        client, models=["local:rules"], dataset_id=dataset["id"], split="dev"
    )
    assert len(blobs(client, evaluation)) == 1
    path = f"/v1/datasets/{dataset['id']}"
    kept = await client.delete(path)
    assert (kept.status_code, kept.json()["code"]) == (409, "in_use")
    assert evaluation["id"] in kept.json()["detail"]
    assert (await client.delete(path, params={"cascade": True})).status_code == 204
    assert (await client.get(f"/v1/evaluations/{evaluation['id']}")).status_code == 404
    assert blobs(client, evaluation) == []


async def test_what_was_deleted_while_it_was_read_is_not_found(
    client: httpx.AsyncClient, sample: Json, server: Server
) -> None:
    """The row was there a moment ago, the files no longer are."""
    server.says = dict(SAYS)
    models = ["local:rules", "openai:base"]
    evaluation = await evaluate(
        client, models=models, dataset_id=sample["id"], split="dev", tasks=["chemicals"]
    )
    assert evaluation["status"] == "succeeded", evaluation["error"]
    for path in blobs(client, evaluation):
        path.unlink()
    for details in ("errors", "comparison"):
        answer = await client.get(f"/v1/evaluations/{evaluation['id']}/{details}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
