"""`/v1/training-files` as a client sees it."""

import json
from pathlib import Path

import httpx
import pytest

from tests.api.conftest import Json, settled, upload

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_rows_and_statistics_agree(client: httpx.AsyncClient, sample: Json) -> None:
    """The statistics are those of the file that is downloaded."""
    request = {"dataset_id": sample["id"], "splits": ["train", "dev"], "text": "title_and_abstract"}
    answer = await client.post("/v1/training-files", json=request)
    training_file = await settled(client, answer.headers["Location"])
    content = (await client.get(f"{answer.headers['Location']}/content")).content
    rows = [json.loads(line) for line in content.splitlines()]
    statistics = training_file["statistics"]
    documents = sum(split["documents"] for split in sample["splits"])
    assert statistics["documents"] == documents
    assert statistics["rows"] == len(rows) == 3 * documents
    empty = sum(row["completion"] == "- " for row in rows)
    assert sum(task["empty"] for task in statistics["tasks"].values()) == empty
    characters = sum(len(row["prompt"]) + len(row["completion"]) for row in rows)
    assert statistics["characters"] == characters
    assert training_file["bytes"] == len(content)


async def test_two_builds_are_the_same(client: httpx.AsyncClient, sample: Json) -> None:
    """The same request gives the same bytes and the same reference; another one does not."""
    request = {"dataset_id": sample["id"], "tasks": ["chemicals"], "format": "chat"}
    built = []
    for _ in range(2):
        answer = await client.post("/v1/training-files", json=request)
        built.append(await settled(client, answer.headers["Location"]))
    assert built[0]["id"] != built[1]["id"]
    assert built[0]["reference"] == built[1]["reference"]
    assert built[0]["sha256"] == built[1]["sha256"] is not None
    answer = await client.post("/v1/training-files", json=request | {"text": "title_and_abstract"})
    other = await settled(client, answer.headers["Location"])
    assert other["reference"] != built[0]["reference"]


async def test_bc5cdr_rows_are_the_recipe_to_the_byte(
    client: httpx.AsyncClient, corpus: Path
) -> None:
    """Diseases of BC5CDR's training split, built by the service, equal the published recipe."""
    source = (corpus / "bc5cdr.json").read_bytes()
    dataset = await upload(client, source, filenames=["bc5cdr.json"])
    request = {"dataset_id": dataset["id"], "tasks": ["diseases"]}
    answer = await client.post("/v1/training-files", json=request)
    await settled(client, answer.headers["Location"])
    content = (await client.get(f"{answer.headers['Location']}/content")).content
    instruction = (
        "The following article contains technical terms including diseases, drugs and chemicals."
        " Create a list only of the diseases mentioned."
    )
    expected = ""
    for document in json.loads(source):
        if document["dataset_type"] == "train":
            abstract = document["passages"][1]
            found = [e["text"][0] for e in abstract["entities"] if e["type"] == "Disease"]
            row = {
                "prompt": f"{instruction}\n\n{abstract['text']}\n\nList of extracted diseases:\n",
                "completion": "- " + "\n- ".join(dict.fromkeys(found)),
            }
            expected += json.dumps(row) + "\n"
    assert content == expected.encode()


async def test_own_rows_can_be_uploaded_again(client: httpx.AsyncClient, sample: Json) -> None:
    """A training file is itself a dataset: its lists, found again in the text."""
    answer = await client.post("/v1/training-files", json={"dataset_id": sample["id"]})
    await settled(client, answer.headers["Location"])
    content = (await client.get(f"{answer.headers['Location']}/content")).content
    dataset = await upload(client, content, filenames=["rows.jsonl"])
    assert (dataset["status"], dataset["format"]) == ("ready", "jsonl")
    rebuilt = await client.post("/v1/training-files", json={"dataset_id": dataset["id"]})
    await settled(client, rebuilt.headers["Location"])
    again = (await client.get(f"{rebuilt.headers['Location']}/content")).content
    mentions = [json.loads(line) for line in content.splitlines()]
    assert [json.loads(line) for line in again.splitlines()] == mentions


async def test_what_was_never_annotated_is_not_taught(client: httpx.AsyncClient) -> None:
    """Tasks without any annotation are left out, or refused if asked for by name."""
    only_diseases = "1|t|Asthma.\n1|a|More asthma.\n1\t0\t6\tAsthma\tDisease\tD001249\n"
    dataset = await upload(client, only_diseases)
    answer = await client.post("/v1/training-files", json={"dataset_id": dataset["id"]})
    assert answer.json()["tasks"] == ["diseases"]
    await settled(client, answer.headers["Location"])
    request = {"dataset_id": dataset["id"], "tasks": ["diseases", "relations"]}
    refused = await client.post("/v1/training-files", json=request)
    assert refused.status_code == 422
    fault = {k: refused.json()["errors"][0][k] for k in ("pointer", "code")}
    assert fault == {"pointer": "/tasks/1", "code": "nothing_annotated"}


async def test_refusals(client: httpx.AsyncClient, sample: Json) -> None:
    """Each wrong request has its own status and code."""
    good = {"dataset_id": sample["id"]}
    cases = [
        ({"dataset_id": "ds_unknown"}, 404, "not_found"),
        (good | {"splits": ["test"]}, 422, "unknown_split"),
        (good | {"tasks": []}, 422, "invalid_request"),
        (good | {"tasks": ["genes"]}, 422, "invalid_request"),
        (good | {"tasks": ["diseases", "diseases"]}, 422, "invalid_request"),
        (good | {"format": "csv"}, 422, "invalid_request"),
        (good | {"colour": "red"}, 422, "invalid_request"),
    ]
    for request, status, code in cases:
        answer = await client.post("/v1/training-files", json=request)
        assert (answer.status_code, answer.json()["code"]) == (status, code), request


async def test_delete_of_what_a_model_learned_from(
    client: httpx.AsyncClient, fine_tune: Json
) -> None:
    """A training file with a fine-tune is kept."""
    answer = await client.delete(f"/v1/training-files/{fine_tune['training_file_id']}")
    assert (answer.status_code, answer.json()["code"]) == (409, "in_use")
