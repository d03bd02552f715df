"""`/v1/evaluations` as a client sees it, with models that really run."""

import httpx
import pytest

from tests.api.conftest import Json, settled
from tests.evaluations.http.conftest import documents, evaluate, text_of

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_counts_are_those_of_the_answers(
    client: httpx.AsyncClient, sample: Json, tuned: str, evaluated: Json
) -> None:
    """Counted once more by hand from extractions: exact spans, and concepts of each document."""
    gold = await documents(client, sample, "dev")
    assert evaluated["documents"] == len(gold)
    request = {"model": tuned, "texts": [text_of(document) for document in gold]}
    answers = (await client.post("/v1/extractions", json=request)).json()["items"]
    for task, type_ in (("diseases", "Disease"), ("chemicals", "Chemical")):
        spans, ids = [0, 0, 0], [0, 0, 0]
        for document, answer in zip(gold, answers, strict=True):
            annotated = [m for m in document["mentions"] if m["type"] == type_]
            wanted = {(m["start"], m["end"]) for m in annotated}
            got = {(m["start"], m["end"]) for item in answer[task] for m in item["mentions"]}
            concepts = {i for m in annotated for i in m["identifiers"]}
            named = {i for item in answer[task] for i in item["identifiers"]}
            for counts, left, right in ((spans, wanted, got), (ids, concepts, named)):
                counts[0] += len(left & right)
                counts[1] += len(right - left)
                counts[2] += len(left - right)
        scores = evaluated["results"][1]["scores"][task]
        assert [scores["mentions_strict"][key] for key in ("tp", "fp", "fn")] == spans
        assert [scores["concepts"][key] for key in ("tp", "fp", "fn")] == ids
        tp, fp, fn = spans
        assert scores["mentions_strict"]["f1"] == pytest.approx(
            2 * tp / (2 * tp + fp + fn), abs=1e-6
        )


async def test_results_are_whole(tuned: str, evaluated: Json) -> None:
    """Every task and measure has a score or says that there can be none, and names its protocol."""
    rules, model = evaluated["results"]
    assert [rules["model"], model["model"]] == evaluated["models"] == ["local:rules", tuned]
    assert (model["asked"], model["name"]) == ("production", "tuned")
    assert evaluated["tasks"] == ["diseases", "chemicals"]
    measures = {m for result in evaluated["results"] for s in result["scores"].values() for m in s}
    assert measures == set(evaluated["protocols"])
    f1s = [model["scores"][task]["mentions_strict"]["f1"] for task in evaluated["tasks"]]
    assert model["f1"] == pytest.approx(sum(f1s) / 2, abs=1e-5)
    assert model["latency"]["p50_ms"] <= model["latency"]["p95_ms"]
    assert model["latency"]["documents_per_second"] > 0
    assert (model["cost"], model["usage"]) == (None, {"input_tokens": 0, "output_tokens": 0})
    assert (rules["overlap"], model["overlap"]) == (None, {"documents": 0, "of": 28})
    assert (evaluated["progress"], evaluated["stage"], evaluated["warnings"]) == (1.0, "", [])
    for task, causes in model["errors"].items():
        strict = model["scores"][task]["mentions_strict"]
        about_ids = causes.get("no_identifier", 0) + causes.get("wrong_identifier", 0)
        assert sum(causes.values()) - about_ids == strict["fp"] + strict["fn"]


async def test_each_other_model_is_compared_with_the_first(evaluated: Json, tuned: str) -> None:
    """One comparison a task, its difference that of the scores, its documents all of them."""
    comparisons = evaluated["comparisons"]
    assert [c["task"] for c in comparisons] == evaluated["tasks"]
    rules, model = evaluated["results"]
    for each in comparisons:
        assert (each["baseline"], each["model"]) == ("local:rules", tuned)
        before, after = (r["scores"][each["task"]][each["measure"]]["f1"] for r in (rules, model))
        assert each["difference"] == pytest.approx(after - before, abs=1e-5)
        assert each["low"] <= each["difference"] <= each["high"]
        assert 0 < each["p_value"] <= 1
        assert each["won"] + each["lost"] + each["tied"] == evaluated["documents"]


async def test_training_documents_are_warned_of(
    client: httpx.AsyncClient, sample: Json, tuned: str
) -> None:
    """All splits: those of `train` were learnt from, those of `dev` were not."""
    evaluation = await evaluate(
        client, models=[tuned], dataset_id=sample["id"], tasks=["chemicals"], resamples=100
    )
    assert evaluation["splits"] == ["train", "dev"]
    assert evaluation["results"][0]["overlap"] == {"documents": 15, "of": 43}
    (warning,) = evaluation["warnings"]
    assert (warning["code"], warning["model"]) == ("evaluated_on_training_documents", tuned)
    assert "15 of 43" in warning["detail"]


async def test_tasks_are_those_that_can_be_measured(client: httpx.AsyncClient) -> None:
    """Without annotated chemicals there is nothing to say about chemicals."""
    text = "1|t|A rash.\n1|a|Was seen.\n1\t2\t6\trash\tDisease\tD005076\n"
    answer = await client.post("/v1/datasets", files={"file": ("one.txt", text)})
    dataset = await settled(client, answer.headers["Location"])
    evaluation = await evaluate(client, models=["local:rules"], dataset_id=dataset["id"])
    assert evaluation["tasks"] == ["diseases"]
    request = {"models": ["local:rules"], "dataset_id": dataset["id"], "tasks": ["chemicals"]}
    refused = await client.post("/v1/evaluations", json=request)
    assert refused.status_code == 422
    (fault,) = refused.json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("/tasks/0", "nothing_annotated")


async def test_refusals_come_at_once(client: httpx.AsyncClient, sample: Json, tuned: str) -> None:
    """What cannot be done is refused by the call, with a code and, if it is a field, its name."""
    good = {"models": [tuned], "dataset_id": sample["id"], "split": "dev"}
    cases = [
        (good | {"models": ["mdl_none"]}, 404, "model_not_found"),
        (good | {"dataset_id": "ds_none"}, 404, "not_found"),
        (good | {"split": "test"}, 422, "unknown_split"),
        (good | {"models": ["cohere:command"]}, 503, "backend_unavailable"),
    ]
    for request, status, code in cases:
        answer = await client.post("/v1/evaluations", json=request)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    fields = [
        (good | {"models": []}, "/models"),
        (good | {"models": [f"local:{n}" for n in range(11)]}, "/models"),
        (good | {"models": [tuned, tuned]}, "/models"),
        (good | {"models": ["local:rules", tuned, "twin"]}, "/models/2"),
        (good | {"splits": ["dev"]}, ""),
        (good | {"prices": {"other": {"input": 1, "output": 1}}}, ""),
        (good | {"options": {"offset_unit": "byte"}}, "/options/offset_unit"),
        (good | {"options": {"vocabularies": ["none"]}}, "/options/vocabularies/0"),
        (good | {"resamples": 1}, "/resamples"),
    ]
    await client.put("/v1/model-aliases/twin", json={"model": tuned})
    for request, pointer in fields:
        answer = await client.post("/v1/evaluations", json=request)
        assert answer.status_code == 422, answer.text
        assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]


async def test_models_are_measured_on_what_they_can_do(
    client: httpx.AsyncClient, sample: Json, tuned: str
) -> None:
    """By default on what all can do; on more if told to; never on what none of them can."""
    good = {"models": ["local:rules", tuned], "dataset_id": sample["id"], "split": "dev"}
    assert (await evaluate(client, **good))["tasks"] == ["diseases", "chemicals"]
    wide = await evaluate(client, **good, tasks=["relations", "chemicals"])
    assert wide["tasks"] == ["chemicals", "relations"]
    assert [r["tasks"] for r in wide["results"]] == [["chemicals", "relations"], ["chemicals"]]
    assert [c["task"] for c in wide["comparisons"]] == ["chemicals"]
    for models in ([tuned], ["local:rules", tuned]):
        request = good | {"models": models, "tasks": ["relations"]}
        answer = await client.post("/v1/evaluations", json=request)
        assert (answer.status_code, answer.json()["code"]) == (501, "capability_unavailable")


async def test_idempotency_key_evaluates_once(client: httpx.AsyncClient, sample: Json) -> None:
    """A repeated request is the same evaluation."""
    request = {"models": ["local:rules"], "dataset_id": sample["id"], "split": "dev"}
    headers = {"Idempotency-Key": "evaluations-1"}
    first = await client.post("/v1/evaluations", json=request, headers=headers)
    again = await client.post("/v1/evaluations", json=request, headers=headers)
    assert again.json()["id"] == first.json()["id"]
    await client.post(f"{first.headers['Location']}/cancel")


async def test_leaderboard(client: httpx.AsyncClient, sample: Json, evaluated: Json) -> None:
    """Best first, page by page, and only those that have scores."""
    models = {"models": ["local:rules"], "dataset_id": sample["id"], "split": "dev"}
    await evaluate(client, **models, tasks=["relations"])
    await evaluate(client, **models, tasks=["chemicals"])
    params = {"dataset_id": sample["id"], "sort": "f1"}
    whole = (await client.get("/v1/evaluations", params=params)).json()["items"]
    best = [max(result["f1"] for result in each["results"]) for each in whole]
    assert len(best) >= 3
    assert best == sorted(best, reverse=True)
    seen: list[str] = []
    page: Json = {"next_cursor": None}
    while len(seen) < len(whole):
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}
        page = (await client.get("/v1/evaluations", params=params | {"limit": 1} | cursor)).json()
        seen += [each["id"] for each in page["items"]]
    assert seen == [each["id"] for each in whole]
    assert page["next_cursor"] is None
    of_model = {"model": evaluated["models"][1], "limit": 1000}
    found = (await client.get("/v1/evaluations", params=of_model)).json()["items"]
    assert evaluated["id"] in {each["id"] for each in found}
    assert all(of_model["model"] in each["models"] for each in found)
    for bad in ("AA", "bm9uc2Vuc2U"):
        answer = await client.get("/v1/evaluations", params=params | {"cursor": bad})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


async def test_identifiers_from_a_vocabulary(client: httpx.AsyncClient, sample: Json) -> None:
    """A model without identifiers gets some right with a vocabulary; its id is what is kept."""
    lines = {
        f"{mention['identifiers'][0]}\t{mention['text']}\n"
        for document in await documents(client, sample, "dev")
        for mention in document["mentions"]
        if mention["type"] == "Chemical" and mention["identifiers"]
    }
    answer = await client.post(
        "/v1/vocabularies",
        files={"file": ("names.txt", "".join(sorted(lines)).encode())},
        data={"name": "dev-names", "type": "Chemical"},
    )
    assert answer.status_code == 202, answer.text
    vocabulary = await settled(client, answer.headers["Location"])
    assert vocabulary["status"] == "ready", vocabulary
    request: Json = {
        "models": ["local:rules"],
        "dataset_id": sample["id"],
        "split": "dev",
        "tasks": ["chemicals"],
    }
    found = []
    for options in ({}, {"vocabularies": ["dev-names"]}):
        evaluation = await evaluate(client, **request, options=options)
        assert evaluation["status"] == "succeeded", evaluation["error"]
        found.append(evaluation["results"][0]["scores"]["chemicals"]["concepts"]["tp"])
    assert found[0] == 0 < found[1]
    assert evaluation["options"]["vocabularies"] == [vocabulary["id"]]


async def test_what_only_the_backend_can_refuse(
    client: httpx.AsyncClient, sample: Json, tuned: str
) -> None:
    """A model without calibrated scores cannot be asked for a precision: its code and its name.

    It says so before a model that can has been measured: no stage was reached.
    """
    model = (await client.get(f"/v1/models/{tuned}")).json()
    fine_tune = (await client.get(f"/v1/fine-tunes/{model['fine_tune_id']}")).json()
    request: Json = {
        "training_file_id": fine_tune["training_file_id"],
        "hyperparameters": {"preset": "fast", "iterations": 5, "folds": 2},
    }
    answer = await client.post("/v1/fine-tunes", json=request)
    sure = (await settled(client, answer.headers["Location"]))["model_id"]
    await client.put("/v1/model-aliases/unsure", json={"model": "local:rules"})
    request = {"dataset_id": sample["id"], "split": "dev", "options": {"min_precision": 0.9}}
    succeeded = await evaluate(client, **request, models=[sure])
    assert succeeded["status"] == "succeeded", succeeded
    evaluation = await evaluate(client, **request, models=[sure, "unsure"])
    assert evaluation["status"] == "failed"
    assert evaluation["error"]["code"] == "min_precision_unavailable"
    assert evaluation["error"]["message"].startswith("unsure: This model gives no scores")
    assert evaluation["stage"] == ""
