"""`/v1/extractions` as a client sees it."""

import httpx
import pytest

from tests.api.conftest import Json

pytestmark = pytest.mark.asyncio(loop_scope="package")

TEXT = "Haloperidol-induced parkinsonism. Later 😀 clozapine; parkinsonism resolved, no hepatitis."


async def extract(client: httpx.AsyncClient, **request: object) -> Json:
    """The answer to a request that succeeds."""
    answer = await client.post("/v1/extractions", json=request)
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


def spans(extraction: Json) -> list[tuple[int, int, str]]:
    """(start, end, item's text) of all mentions."""
    return [
        (mention["start"], mention["end"], item["text"])
        for task in ("diseases", "chemicals")
        for item in extraction.get(task, [])
        for mention in item["mentions"]
    ]


async def test_base_model_extracts(client: httpx.AsyncClient) -> None:
    """The untrained baseline finds the regular names, grouped by their spelling, in order."""
    answer = await extract(client, model="local:rules", text=TEXT)
    diseases = {item["text"]: len(item["mentions"]) for item in answer["diseases"]}
    assert diseases == {"parkinsonism": 2, "hepatitis": 1}
    assert [item["text"] for item in answer["chemicals"]] == ["Haloperidol", "clozapine"]
    assert ("Haloperidol", "parkinsonism") in {
        (relation["chemical"], relation["disease"]) for relation in answer["relations"]
    }
    assert answer["ungrounded"] == []


async def test_tuned_model_extracts_with_identifiers_and_scores(
    client: httpx.AsyncClient, fine_tune: Json, sample: Json
) -> None:
    """A tuned model gives probabilities, and the identifiers of its training mentions."""
    path = f"/v1/datasets/{sample['id']}/documents?split=train&limit=5"
    documents = (await client.get(path)).json()["items"]
    texts = [" ".join(p["text"] for p in document["passages"]) for document in documents]
    answer = await extract(client, model=fine_tune["model_id"], texts=texts)
    assert [item["model"] for item in answer["items"]] == [fine_tune["model_id"]] * 5
    found = [x for item in answer["items"] for x in item["diseases"] + item["chemicals"]]
    assert any(item["identifiers"] for item in found)
    assert all(0 <= item["score"] <= 1 for item in found)
    for text, extraction in zip(texts, answer["items"], strict=True):
        assert all(text[start:end] == surface for start, end, surface in spans(extraction))
        for relation in extraction["relations"]:
            assert relation["evidence"]


@pytest.mark.parametrize(
    "odd", ["", "😀", "é\u0301", "אבג", "ﬁ ß İ", "\u200d\u00a0", "𝛽-", "\r\n\t"]
)
async def test_offsets_hold_in_any_unit(
    client: httpx.AsyncClient, fine_tune: Json, odd: str
) -> None:
    """`text[start:end]` is the item, in code points, UTF-16 units and bytes."""
    text = f"{odd} haloperidol {odd} hepatitis, {odd} parkinsonism {odd}"
    units = {"code_point": text, "utf16": text.encode("utf-16-le"), "byte": text.encode()}
    for model in ("local:rules", fine_tune["model_id"]):
        for unit, content in units.items():
            answer = await extract(client, model=model, text=text, options={"offset_unit": unit})
            scale = 2 if unit == "utf16" else 1
            assert spans(answer)
            for start, end, surface in spans(answer):
                piece = content[start * scale : end * scale]
                if isinstance(piece, bytes):
                    piece = piece.decode("utf-16-le" if unit == "utf16" else "utf-8")
                assert piece == surface


async def test_only_the_tasks_asked_for(client: httpx.AsyncClient, fine_tune: Json) -> None:
    """What was not asked for is absent, not empty."""
    for model in ("local:rules", fine_tune["model_id"]):
        answer = await extract(client, model=model, text=TEXT, tasks=["diseases"])
        assert "diseases" in answer
        assert "chemicals" not in answer
        assert "relations" not in answer
        answer = await extract(client, model=model, text=TEXT, tasks=["relations"])
        assert "diseases" not in answer
        assert "relations" in answer


async def test_min_score_leaves_out_the_less_probable(
    client: httpx.AsyncClient, fine_tune: Json
) -> None:
    """Every score that is left is at least the one asked for."""
    everything = await extract(client, model=fine_tune["model_id"], text=TEXT)
    scores = [i["score"] for i in everything["diseases"] + everything["chemicals"]]
    assert scores
    floor = max(scores)
    some = await extract(
        client, model=fine_tune["model_id"], text=TEXT, options={"min_score": floor}
    )
    left = [i["score"] for i in some["diseases"] + some["chemicals"]]
    assert left
    assert min(left) >= floor


async def test_empty_and_long_texts(client: httpx.AsyncClient, fine_tune: Json) -> None:
    """Nothing in gives nothing out; a long text is read in pieces with its offsets right."""
    for model in ("local:rules", fine_tune["model_id"]):
        for text in ("", " ", "\n\n"):
            answer = await extract(client, model=model, text=text)
            assert spans(answer) == []
        long = (TEXT + " Nothing else was seen in the ward that day. ") * 300
        answer = await extract(client, model=model, text=long)
        found = spans(answer)
        assert sum(surface == "parkinsonism" for _, _, surface in found) > 500
        assert all(long[start:end] == surface for start, end, surface in found)


async def test_timing_is_told(client: httpx.AsyncClient) -> None:
    """In the body and as Server-Timing."""
    answer = await client.post("/v1/extractions", json={"model": "local:rules", "text": TEXT})
    timing = answer.json()["timing"]
    assert timing["total_ms"] >= timing["model_ms"] >= 0
    assert "model;dur=" in answer.headers["Server-Timing"]


async def test_refusals(client: httpx.AsyncClient) -> None:
    """Each wrong request has its own status, code and pointer; the text is not repeated."""
    secret = "Zaphodine"
    cases = [
        ({"model": "nope", "text": secret}, 404, "model_not_found", None),
        ({"model": "local:nope", "text": secret}, 404, "model_not_found", None),
        ({"model": "../../etc/passwd", "text": secret}, 404, "model_not_found", None),
        ({"model": "local:rules"}, 422, "invalid_request", ""),
        ({"model": "local:rules", "text": secret, "texts": [secret]}, 422, "invalid_request", ""),
        ({"model": "local:rules", "texts": []}, 422, "invalid_request", "/texts"),
        ({"model": "local:rules", "texts": [secret] * 101}, 422, "invalid_request", "/texts"),
        ({"model": "local:rules", "text": 7}, 422, "invalid_request", "/text"),
        ({"model": "local:rules", "text": secret * 200_000}, 422, "text_too_long", "/text"),
        (
            {"model": "local:rules", "text": secret, "tasks": ["x"]},
            422,
            "invalid_request",
            "/tasks/0",
        ),
    ]
    for request, status, code, pointer in cases:
        answer = await client.post("/v1/extractions", json=request)
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (status, code), problem
        assert answer.headers["content-type"] == "application/problem+json"
        assert secret not in answer.text
        if pointer is not None:
            assert [e["pointer"] for e in problem["errors"]] == [pointer]


async def test_lone_surrogate_is_refused(client: httpx.AsyncClient) -> None:
    """JSON can spell half a character; no offset could be right in such a text."""
    body = b'{"model": "local:rules", "text": "aspirin \\ud83d"}'
    headers = {"Content-Type": "application/json"}
    answer = await client.post("/v1/extractions", content=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/text"
