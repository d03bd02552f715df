"""`/v1/datasets/{id}/revisions`: corrected documents become a new version of a dataset."""

import json
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.datasets.service import Datasets, new_dataset_id
from app.platform.errors import ApiError
from app.platform.uploads import UploadedFile
from tests.api.conftest import Json, settled, upload
from tests.api.test_datasets import ONE, all_documents
from tests.project.paths import ROOT

pytestmark = pytest.mark.asyncio(loop_scope="package")

TITLE, ABSTRACT = "Aspirin and asthma.", "Aspirin may cause asthma."
TWO = ONE.replace("1|", "2|").replace("1\t", "2\t").replace("may cause", "can cause")
THREE = ONE.replace("1|", "3|").replace("1\t", "3\t").replace("may cause", "did cause")


def corrected(**changes: Any) -> Json:
    """Document 1 with two of its mentions, one of them with another identifier."""
    return {
        "id": "1",
        "split": "train",
        "title": TITLE,
        "abstract": ABSTRACT,
        "mentions": [
            {"start": 0, "end": 7, "type": "Chemical", "identifiers": ["MESH:D000001"]},
            {"start": 38, "end": 44, "type": "Disease", "identifiers": ["MESH:D001249"]},
        ],
        "relations": [{"chemical": "MESH:D000001", "disease": "MESH:D001249"}],
    } | changes


def mention(**changes: Any) -> Json:
    """One mention and nothing else."""
    one = {"start": 0, "end": 7, "type": "Chemical", "identifiers": []} | changes
    return {"mentions": [one], "relations": []}


async def revised(client: httpx.AsyncClient, base: Json, *documents: Json, **more: str) -> Json:
    """The new dataset, once its job has ended."""
    body = {"documents": documents} | more
    answer = await client.post(f"/v1/datasets/{base['id']}/revisions", json=body)
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"/v1/datasets/{answer.json()['id']}"
    return await settled(client, answer.headers["Location"])


async def contents(client: httpx.AsyncClient, dataset: Json) -> list[Json]:
    """All documents."""
    return await all_documents(client, f"/v1/datasets/{dataset['id']}/documents", limit=200)


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def base(client: httpx.AsyncClient) -> Json:
    """Two documents for training, one to measure on; read only."""
    return await upload(client, ONE + "\n" + TWO, THREE, splits=["train", "dev"], name="base")


async def test_a_document_takes_the_place_of_its_namesake(
    client: httpx.AsyncClient, base: Json
) -> None:
    """The others are as they were, in their order; the old dataset stays as it is."""
    before = await contents(client, base)
    new = await revised(client, base, corrected())
    assert (new["status"], new["based_on"], new["name"]) == ("ready", base["id"], "base")
    assert [split["documents"] for split in new["splits"]] == [2, 1]
    first, *others = await contents(client, new)
    assert others == before[1:]
    assert (first["id"], first["split"]) == ("1", "train")
    assert [passage["type"] for passage in first["passages"]] == ["title", "abstract"]
    assert [(m["start"], m["text"], m["identifiers"]) for m in first["mentions"]] == [
        (0, "Aspirin", ["MESH:D000001"]),
        (38, "asthma", ["MESH:D001249"]),
    ]
    assert first["relations"] == [
        {"type": "CID", "chemical": "MESH:D000001", "disease": "MESH:D001249"}
    ]
    assert await contents(client, base) == before
    assert (await client.get(f"/v1/datasets/{base['id']}")).json()["based_on"] is None


async def test_the_body_on_the_page_is_a_revision(client: httpx.AsyncClient, base: Json) -> None:
    """docs/correcting.md has a body that can be sent as it stands."""
    page = (ROOT / "docs" / "correcting.md").read_text(encoding="utf-8")
    body = json.loads(page.partition("```json\n")[2].partition("```")[0])
    new = await revised(client, base, *body["documents"], name=body["name"])
    assert (new["status"], new["name"]) == ("ready", body["name"])


async def test_documents_as_they_were_read_give_the_same_version(
    client: httpx.AsyncClient, sample: Json
) -> None:
    """What `documents` answers may be sent back, and nothing has changed by that."""
    documents = await contents(client, sample)
    new = await revised(client, sample, *documents[::3], name="again")
    assert (new["version"], new["name"]) == (sample["version"], "again")
    assert new["splits"] == sample["splits"]


async def test_a_new_document_comes_last_in_its_split(
    client: httpx.AsyncClient, base: Json
) -> None:
    """And a revision of the revision goes on from there."""
    first = await revised(client, base, corrected(id="n1", abstract="Aspirin did treat asthma?"))
    second = await revised(
        client, first, corrected(id="n2", split="dev", abstract="Aspirin may treat asthma")
    )
    assert second["based_on"] == first["id"]
    ids = [(document["split"], document["id"]) for document in await contents(client, second)]
    assert ids == [("train", "1"), ("train", "2"), ("train", "n1"), ("dev", "3"), ("dev", "n2")]


async def test_offsets_are_code_points_of_the_joined_text(
    client: httpx.AsyncClient, base: Json
) -> None:
    """Through a gap between passages, and after a character that is two units of UTF-16."""
    passages = [
        {"type": "title", "text": "𝛽-Carotene"},
        {"type": "abstract", "text": "asthma", "offset": 13},
    ]
    mentions = [
        {"start": 2, "end": 10, "text": "Carotene", "type": "Chemical", "identifiers": []},
        {"start": 13, "end": 19, "type": "Disease", "identifiers": ["OMIM:1"]},
    ]
    document = {"id": "beta", "split": "train", "passages": passages, "mentions": mentions}
    new = await revised(client, base, document)
    (found,) = [each for each in await contents(client, new) if each["id"] == "beta"]
    assert [passage["offset"] for passage in found["passages"]] == [0, 13]
    assert [mention["text"] for mention in found["mentions"]] == ["Carotene", "asthma"]
    assert [mention["identifiers"] for mention in found["mentions"]] == [[], ["OMIM:1"]]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        (mention(text="aspirin"), "offset_mismatch"),
        (mention(end=70), "span_outside_document"),
        (mention(start=-9, end=10**30), "malformed_document"),
        (mention(type="Gene"), "unknown_type"),
        ({"split": "dev"}, "document_in_two_splits"),
        ({"id": "a|b"}, "bad_document_id"),
        ({"title": "", "abstract": " ", "mentions": []}, "empty_text"),
        ({"title": "Aspirin\u0007and asthma."}, "invalid_character"),
    ],
)
async def test_what_is_wrong_is_in_the_report(
    client: httpx.AsyncClient, base: Json, changes: Json, code: str
) -> None:
    """As for an upload, and no document is there."""
    new = await revised(client, base, corrected(**changes))
    assert (new["status"], new["error"]["code"], new["splits"]) == ("failed", "invalid_dataset", [])
    report = (await client.get(f"/v1/datasets/{new['id']}/report")).json()
    assert code in {problem["code"] for problem in report["items"]}


async def test_a_document_given_twice_is_reported(client: httpx.AsyncClient, base: Json) -> None:
    """It is not for the service to say which of them is right."""
    new = await revised(client, base, corrected(), corrected())
    assert new["report"]["by_code"] == {"duplicate_document": 1}


async def test_refused_requests_leave_nothing(client: httpx.AsyncClient, base: Json) -> None:
    """Each with its code, and no file of theirs in the blob store."""
    platform = client._transport.app.state.platform  # type: ignore[attr-defined]
    before = {stored.name for stored in platform.blobs.stored()}
    failed = await upload(client, "1|t|T.\n1|a|A.\n1\t0\t50\tT\tDisease\tD1\n")
    kept = {stored.name for stored in platform.blobs.stored()} - before
    for dataset_id, body, status, code in (
        ("ds_0", {"documents": [corrected()]}, 404, "not_found"),
        (failed["id"], {"documents": [corrected()]}, 409, "dataset_not_ready"),
        (base["id"], {"documents": [corrected(split="test")]}, 422, "unknown_split"),
        (base["id"], {"documents": []}, 422, "invalid_request"),
        (base["id"], {"documents": [corrected(passages=[])]}, 422, "invalid_request"),
        (base["id"], {"documents": [{"id": "1", "split": "train"}]}, 422, "invalid_request"),
    ):
        answer = await client.post(f"/v1/datasets/{dataset_id}/revisions", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert "Aspirin" not in answer.text
    assert {stored.name for stored in platform.blobs.stored()} == before | kept


async def test_the_same_key_makes_one_version(client: httpx.AsyncClient, base: Json) -> None:
    """Repeated, it gives the same answer; with another body it is refused."""
    path, headers = f"/v1/datasets/{base['id']}/revisions", {"Idempotency-Key": "rev-1"}
    body: Json = {"documents": [corrected()]}
    first = await client.post(path, json=body, headers=headers)
    again = await client.post(path, json=body, headers=headers)
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    other = await client.post(path, json=body | {"name": "other"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    await settled(client, first.headers["Location"])


async def test_the_base_is_held_while_it_is_read(client: httpx.AsyncClient, base: Json) -> None:
    """Until the new version has its documents, the old one cannot be deleted."""
    app = client._transport.app  # type: ignore[attr-defined]
    file = UploadedFile("documents", "x.json", "", "", 0)

    async def delete_meanwhile() -> None:
        async with app.state.platform.work(write=True) as work:
            datasets = Datasets(work)
            await datasets.create_revision(new_dataset_id(), base["id"], None, file, ["train"])
            await datasets.delete(base["id"], app.state.lineage, cascade=True)

    with pytest.raises(ApiError, match="is being made from this one"):
        await delete_meanwhile()
    assert (await client.get(f"/v1/datasets/{base['id']}")).is_success


async def test_the_base_may_be_deleted(client: httpx.AsyncClient) -> None:
    """The revision has documents of its own; it goes on naming what it began with."""
    old = await upload(client, ONE, name="old")
    new = await revised(client, old, corrected())
    assert (await client.delete(f"/v1/datasets/{old['id']}")).status_code == 204
    assert (await client.get(f"/v1/datasets/{new['id']}")).json()["based_on"] == old["id"]
    assert len(await contents(client, new)) == 1
    answer = await client.post("/v1/training-files", json={"dataset_id": new["id"]})
    file = await settled(client, answer.headers["Location"])
    assert file["status"] == "ready"
    hyperparameters = {"preset": "fast", "iterations": 5, "folds": 0}
    request = {"training_file_id": file["id"], "hyperparameters": hyperparameters}
    answer = await client.post("/v1/fine-tunes", json=request)
    tune = await settled(client, answer.headers["Location"])
    assert tune["status"] == "succeeded", tune
    card = (await client.get(f"/v1/models/{tune['model_id']}/card")).json()
    assert card["lineage"][-1]["id"] == new["id"]
