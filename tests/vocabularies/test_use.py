"""Vocabularies by name: in extractions, and in fine-tunes and the models they end in."""

from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.api.conftest import QUICK, SAMPLE, Json, settled
from tests.vocabularies.conftest import PATH, send, upload
from tests.vocabularies.samples import PLAIN_DISEASES

pytestmark = pytest.mark.asyncio(loop_scope="package")

TEXT = "Acute kidney injury (AKI) followed. AKI came with vancomycin; isoniazid came later."


async def extracted(client: httpx.AsyncClient, model: str, text: str, **options: Any) -> Json:
    """surface -> identifiers of what a model finds."""
    request = {"model": model, "text": text, "options": options}
    answer = await client.post("/v1/extractions", json=request)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    return {i["text"]: i["identifiers"] for i in found["diseases"] + found["chemicals"]}


async def test_an_extraction_names_vocabularies(
    client: httpx.AsyncClient, diseases: Json, chemicals: Json
) -> None:
    """Names and ids; a model that knows no concepts gets them from there, and only if asked."""
    plain = await extracted(client, "local:rules", TEXT)
    assert set(plain) >= {"AKI", "vancomycin"}
    assert {tuple(each) for each in plain.values()} == {()}
    both = ["some-diseases", chemicals["id"]]
    found = await extracted(client, "local:rules", TEXT, vocabularies=both)
    assert found["AKI"] == ["MESH:D058186"]
    assert found["vancomycin"] == ["MESH:D014640"]
    one = await extracted(client, "local:rules", TEXT, vocabularies=["some-diseases"])
    assert (one["AKI"], one["vancomycin"]) == (["MESH:D058186"], [])


async def test_relations_have_the_identifiers_too(
    client: httpx.AsyncClient, diseases: Json, chemicals: Json
) -> None:
    """The identifiers of their sides."""
    request = {
        "model": "local:rules",
        "text": "Vancomycin-induced acute renal failure was seen.",
        "tasks": ["relations"],
        "options": {"vocabularies": ["some-diseases", "some-chemicals"]},
    }
    (relation,) = (await client.post("/v1/extractions", json=request)).json()["relations"]
    assert relation["chemical_identifiers"] == ["MESH:D014640"]
    assert relation["disease_identifiers"] == ["MESH:D058186"]


async def test_what_cannot_be_used_is_named(client: httpx.AsyncClient, diseases: Json) -> None:
    """By its place in the list; a failed vocabulary is a conflict; nobody promises a precision."""
    await upload(client, "MESH:D000001\ta\nb\n", name="unready", type="Disease")
    cases: list[tuple[Json, int, str, str | None]] = [
        ({"vocabularies": ["none"]}, 422, "invalid_request", "/options/vocabularies/0"),
        (
            {"vocabularies": ["some-diseases", "voc_none"]},
            422,
            "invalid_request",
            "/options/vocabularies/1",
        ),
        ({"vocabularies": ["unready"]}, 409, "vocabulary_not_ready", None),
        ({"vocabularies": ["x"] * 11}, 422, "invalid_request", "/options/vocabularies"),
        ({"vocabularies": [""]}, 422, "invalid_request", "/options/vocabularies/0"),
        ({"min_precision": 0.9}, 422, "min_precision_unavailable", None),
        ({"min_precision": 1.1}, 422, "invalid_request", "/options/min_precision"),
    ]
    for options, status, code, pointer in cases:
        request = {"model": "local:rules", "text": TEXT, "options": options}
        answer = await client.post("/v1/extractions", json=request)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert [e["pointer"] for e in answer.json().get("errors", [])] == (
            [] if pointer is None else [pointer]
        )


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def training_file(client: httpx.AsyncClient) -> Json:
    """A training file of the sample; read only."""
    content = (SAMPLE / "train.pubtator.txt").read_bytes()
    answer = await client.post("/v1/datasets", files=[("file", ("train.txt", content))])
    dataset = await settled(client, answer.headers["Location"])
    answer = await client.post("/v1/training-files", json={"dataset_id": dataset["id"]})
    return await settled(client, answer.headers["Location"])


async def tune(client: httpx.AsyncClient, training_file: Json, **request: Any) -> Json:
    """A fine-tune that has succeeded."""
    request |= {"training_file_id": training_file["id"], "hyperparameters": QUICK}
    answer = await client.post("/v1/fine-tunes", json=request)
    assert answer.status_code == 202, answer.text
    fine_tune = await settled(client, answer.headers["Location"])
    assert fine_tune["status"] == "succeeded", fine_tune
    return fine_tune


async def test_a_model_uses_what_it_was_trained_with(
    client: httpx.AsyncClient, training_file: Json, chemicals: Json
) -> None:
    """A drug that no training document names has its identifier, unless an extraction says not.

    While the fine-tune is there, the vocabulary cannot be deleted; a repetition uses it, too.
    """
    known = "D999999\tVancomycin\nD888888\tZorbitidine|zorbitidin\n"
    own = await upload(client, known, name="own-drugs", type="Chemical")
    fine_tune = await tune(client, training_file, vocabularies=["own-drugs", own["id"]])
    assert fine_tune["vocabularies"] == [own["id"]]
    text = "Severe nausea after zorbitidine was seen. Zorbitidine caused nausea."
    request = {"model": fine_tune["id"], "text": text}
    found = (await client.post("/v1/extractions", json=request)).json()
    identifiers = {i["text"].lower(): i["identifiers"] for i in found["chemicals"]}
    assert identifiers["zorbitidine"] == ["MESH:D888888"], found
    request |= {"options": {"vocabularies": []}}
    found = (await client.post("/v1/extractions", json=request)).json()
    assert ["MESH:D888888"] not in [i["identifiers"] for i in found["chemicals"]]

    refused = await client.delete(f"{PATH}/own-drugs")
    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    assert fine_tune["id"] in refused.json()["detail"]
    path = f"/v1/fine-tunes/{fine_tune['id']}/repeat"
    again = (await client.post(path)).json()
    assert again["vocabularies"] == [own["id"]]
    without = (await client.post(path, json={"vocabularies": []})).json()
    assert without["vocabularies"] == []
    for each in (again, without):
        await client.post(f"/v1/fine-tunes/{each['id']}/cancel")
        await settled(client, f"/v1/fine-tunes/{each['id']}")
    gone = await client.delete(f"{PATH}/own-drugs", params={"cascade": True})
    assert gone.status_code == 204, gone.text
    assert (await client.get(f"/v1/models/{fine_tune['model_id']}")).status_code == 404
    assert (await client.get(f"/v1/fine-tunes/{without['id']}")).status_code == 200


async def test_a_fine_tune_wants_what_is_ready(
    client: httpx.AsyncClient, training_file: Json
) -> None:
    """Refusals as in extractions, with the pointer of a fine-tune; nothing is launched."""
    before = (await client.get("/v1/fine-tunes?limit=1000")).json()["items"]
    request: Json = {"training_file_id": training_file["id"], "vocabularies": ["nowhere"]}
    answer = await client.post("/v1/fine-tunes", json=request)
    assert answer.status_code == 422
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/vocabularies/0"]
    await upload(client, "MESH:D000001\ta\nb\n", name="not-ready", type="Disease")
    answer = await client.post("/v1/fine-tunes", json=request | {"vocabularies": ["not-ready"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "vocabulary_not_ready")
    assert (await client.get("/v1/fine-tunes?limit=1000")).json()["items"] == before


async def test_large_uploads_are_let_through(client: httpx.AsyncClient) -> None:
    """The limit of datasets holds here, too, not that of small bodies."""
    padding = "# " + "x" * 1022 + "\n"
    content = PLAIN_DISEASES + padding * (9 << 10)
    answer = await send(client, content, name="large", type="Disease")
    assert answer.status_code == 202, answer.text
    assert (await settled(client, answer.headers["Location"]))["status"] == "ready"
