"""Single documents of an evaluation: comparisons and errors, read without asking a model again."""

from collections import Counter
from typing import Any

import httpx
import pytest

from tests.api.conftest import Json
from tests.evaluations.http.conftest import documents, evaluate, text_of

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def every(client: httpx.AsyncClient, path: str, key: str, **params: Any) -> list[Json]:
    """The items of all pages."""
    items: list[Json] = []
    while True:
        page = (await client.get(path, params=params)).json()
        items += page[key]
        if page["next_cursor"] is None:
            return items
        params["cursor"] = page["next_cursor"]


async def test_a_comparison_shows_its_documents(
    client: httpx.AsyncClient, sample: Json, tuned: str, evaluated: Json
) -> None:
    """What it says is what its documents add up to, and each change is where it says it is."""
    path = f"/v1/evaluations/{evaluated['id']}/comparison"
    for task, result in zip(evaluated["tasks"], evaluated["comparisons"], strict=True):
        params = {"baseline": "local:rules", "model": "production", "task": task}
        answer = (await client.get(path, params=params | {"limit": 200})).json()
        assert {key: answer[key] for key in result} == result
        shown = answer["documents"]
        outcomes = Counter(document["outcome"] for document in shown)
        assert [outcomes[o] for o in ("won", "lost", "tied")] == [
            result[o] for o in ("won", "lost", "tied")
        ]
        assert [d["outcome"] == "tied" for d in shown] == sorted(
            d["outcome"] == "tied" for d in shown
        )
        for side, of in (("baseline", 0), ("model", 1)):
            scores = evaluated["results"][of]["scores"][task]["mentions_strict"]
            for count in ("tp", "fp", "fn"):
                assert sum(document[side][count] for document in shown) == scores[count]
        texts = {d["id"]: text_of(d) for d in await documents(client, sample, "dev")}
        for document in shown:
            kinds = Counter(change["kind"] for change in document["changes"])
            before, after = document["baseline"], document["model"]
            assert after["tp"] - before["tp"] == kinds["gained"] - kinds["lost"]
            added = kinds["false_positive_added"] - kinds["false_positive_removed"]
            assert after["fp"] - before["fp"] == added
            for change in document["changes"]:
                for place in change["places"]:
                    text = texts[document["document_id"]][place["start"] : place["end"]]
                    assert text == place["text"] != ""
        params = params | {"limit": 5}
        assert await every(client, path, "documents", **params) == shown


async def test_any_two_are_compared_by_any_measure(
    client: httpx.AsyncClient, tuned: str, evaluated: Json
) -> None:
    """Turned round, the difference is the opposite; without a word the first two are taken."""
    path = f"/v1/evaluations/{evaluated['id']}/comparison"
    default = (await client.get(path)).json()
    assert {key: default[key] for key in evaluated["comparisons"][0]} == evaluated["comparisons"][0]
    params = {"baseline": tuned, "model": "local:rules", "task": "chemicals", "measure": "concepts"}
    turned = (await client.get(path, params=params)).json()
    before, after = (r["scores"]["chemicals"]["concepts"]["f1"] for r in evaluated["results"])
    assert turned["difference"] == pytest.approx(before - after, abs=1e-5)


async def test_errors_are_read_in_context(
    client: httpx.AsyncClient, sample: Json, tuned: str, evaluated: Json
) -> None:
    """As many of each cause as the result counts, whatever the pages; each where it says it is."""
    path = f"/v1/evaluations/{evaluated['id']}/errors"
    texts = {d["id"]: text_of(d) for d in await documents(client, sample, "dev")}
    for result in evaluated["results"]:
        found = await every(client, path, "items", model=result["asked"], limit=7)
        counts = {task: Counter[str]() for task in result["tasks"]}
        for error in found:
            counts[error["task"]][error["cause"]] += 1
            text = texts[error["document_id"]]
            assert text[error["start"] : error["end"]] == error["text"] != ""
            begin = error["context_start"]
            assert text[begin : begin + len(error["context"])] == error["context"]
            assert error["text"] in error["context"]
            # Whole sentences: all of them are short enough here.
            assert begin == 0 or text[:begin].endswith((". ", "? "))
            assert (error["split"], error["model"]) == ("dev", result["model"])
            if error["cause"] == "boundary":
                assert error["other"]["text"] in error["context"]
        assert counts == result["errors"]
        assert found == await every(client, path, "items", model=result["model"], limit=1000)
    causes = evaluated["results"][0]["errors"]["diseases"]
    cause = min(causes, key=causes.__getitem__)
    few = await every(client, path, "items", task="diseases", cause=cause, limit=1)
    assert [e["cause"] for e in few] == [cause] * causes[cause]


async def test_refusals(client: httpx.AsyncClient, sample: Json, evaluated: Json) -> None:
    """What was not evaluated has no details, and what has not succeeded neither."""
    path = f"/v1/evaluations/{evaluated['id']}"
    cases = [
        ("comparison", {"model": "other"}, "/query/model"),
        ("comparison", {"model": "local:rules"}, "/query/model"),
        ("comparison", {"task": "relations"}, "/query/task"),
        ("comparison", {"task": "diseases", "measure": "end_to_end"}, "/query/measure"),
        ("errors", {"model": "other"}, "/query/model"),
        ("errors", {"task": "relations"}, "/query/task"),
    ]
    for part, params, pointer in cases:
        answer = await client.get(f"{path}/{part}", params=params)
        assert answer.status_code == 422, (part, params, answer.text)
        assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]
    for part in ("comparison", "errors"):
        for cursor in ("AA", "OTk5OTk5OTk5", "MS4w"):
            answer = await client.get(f"{path}/{part}", params={"cursor": cursor})
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")
        assert (await client.get(f"/v1/evaluations/ev_none/{part}")).status_code == 404
    alone = await evaluate(
        client, models=["local:rules"], dataset_id=sample["id"], tasks=["relations"], split="dev"
    )
    answer = await client.get(f"/v1/evaluations/{alone['id']}/comparison")
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/query/model"]


async def test_relations_have_two_places(client: httpx.AsyncClient, sample: Json) -> None:
    """An error about a relation tells where its chemical and its disease are mentioned first."""
    evaluation = await evaluate(
        client, models=["local:rules"], dataset_id=sample["id"], tasks=["relations"], split="dev"
    )
    path = f"/v1/evaluations/{evaluation['id']}/errors"
    errors = await every(client, path, "items", limit=200)
    texts = {d["id"]: text_of(d) for d in await documents(client, sample, "dev")}
    assert errors
    for error in errors:
        assert (error["task"], error["type"]) == ("relations", None)
        assert len(error["identifiers"]) == 2
        other = error["other"]
        text = texts[error["document_id"]]
        assert text[other["start"] : other["end"]] == other["text"]
