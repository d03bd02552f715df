"""What lies in the data folder: the bytes that a resource needs, and none once it is gone."""

import hashlib
import json
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import delete

from app.tables import DatasetSplitRow
from tests.api.conftest import QUICK, SAMPLE, settled, upload
from tests.api.test_datasets import ONE
from tests.platform.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="package")

TWO = """2|t|Heparin and nausea.
2|a|Heparin may cause nausea.
2\t0\t7\tHeparin\tChemical\tD006493
2\t12\t18\tnausea\tDisease\tD009325
"""
BROKEN = TWO.replace("12\t18", "11\t17")


def data_folder(client: httpx.AsyncClient) -> Path:
    """Where the service behind this client keeps its state."""
    transport = cast(httpx.ASGITransport, client._transport)
    return cast(Path, cast(FastAPI, transport.app).state.platform.settings.data_dir)


def stored(client: httpx.AsyncClient, owner: str = "*") -> dict[str, bytes]:
    """Name and content of all blobs, of one owner or of all."""
    blobs = data_folder(client) / "blobs"
    return {
        str(path.relative_to(blobs)): path.read_bytes()
        for path in blobs.glob(f"{owner}/*")
        if path.is_file()
    }


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def test_a_ready_dataset_keeps_documents_and_report_only(client: httpx.AsyncClient) -> None:
    """The upload itself is gone, its hash is told; what is left is named by its own hash."""
    contents = [ONE.encode(), TWO.encode()]
    dataset = await upload(client, *contents, splits=["train", "dev"])
    assert dataset["status"] == "ready", dataset
    sent = [sha256(content) for content in contents]
    assert [file["sha256"] for file in dataset["files"]] == sent
    assert [file["bytes"] for file in dataset["files"]] == [len(content) for content in contents]
    owner = dataset["id"]
    await until(lambda: len(stored(client, owner)) == 3)
    kept = stored(client, owner)
    assert set(kept) == {f"{owner}/{sha256(content)}" for content in kept.values()}
    assert f"{owner}/{sha256(b'')}" in kept  # the report, without a finding
    assert not {f"{owner}/{name}" for name in sent} & set(kept)
    documents = [content for content in kept.values() if content]
    assert sorted(json.loads(content)["i"] for content in documents) == ["1", "2"]


async def test_a_failed_dataset_keeps_its_report_only(client: httpx.AsyncClient) -> None:
    """Neither the upload nor the documents that were fine lie about."""
    dataset = await upload(client, ONE + "\n" + BROKEN)
    assert dataset["status"] == "failed"
    assert dataset["files"][0]["sha256"] == sha256((ONE + "\n" + BROKEN).encode())
    await until(lambda: len(stored(client, dataset["id"])) == 1)
    (report,) = stored(client, dataset["id"]).values()
    told = (await client.get(f"/v1/datasets/{dataset['id']}/report")).json()["items"]
    found = [json.loads(line) for line in report.splitlines()]
    assert [f["code"] for f in found] == [t["code"] for t in told] != []
    assert b"Aspirin" not in report
    assert b"Heparin" not in report


async def test_a_dataset_deleted_while_it_is_looked_up_is_not_there(
    client: httpx.AsyncClient,
) -> None:
    """Its row was read before, what it consists of is looked for after the deletion."""
    dataset = await upload(client, ONE.encode(), splits=["train"])
    transport = cast(httpx.ASGITransport, client._transport)
    database = cast(FastAPI, transport.app).state.platform.database
    async with database.transaction(write=True) as session:
        gone = DatasetSplitRow.dataset_id == dataset["id"]
        await session.execute(delete(DatasetSplitRow).where(gone))
    for path in ("documents", "documents?split=train", "export?format=pubtator"):
        answer = await client.get(f"/v1/datasets/{dataset['id']}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    await client.delete(f"/v1/datasets/{dataset['id']}")


async def test_a_deleted_training_file_takes_its_bytes_along(client: httpx.AsyncClient) -> None:
    """The rows are gone, the dataset they were built from is not."""
    dataset = await upload(client, ONE)
    answer = await client.post("/v1/training-files", json={"dataset_id": dataset["id"]})
    training_file = await settled(client, answer.headers["Location"])
    (rows,) = stored(client, training_file["id"]).values()
    assert sha256(rows) == training_file["sha256"]
    assert (await client.delete(answer.headers["Location"])).status_code == 204
    assert stored(client, training_file["id"]) == {}
    assert stored(client, dataset["id"])
    assert (await client.delete(f"/v1/datasets/{dataset['id']}")).status_code == 204
    assert stored(client, dataset["id"]) == {}


async def test_a_cascade_takes_all_bytes_along(client: httpx.AsyncClient) -> None:
    """Documents, rows and the trained model: no file is left that the dataset brought about."""
    models = data_folder(client) / "local" / "models"
    before = set(models.glob("*"))
    dataset = await upload(client, (SAMPLE / "dev.pubtator.txt").read_bytes())
    answer = await client.post("/v1/training-files", json={"dataset_id": dataset["id"]})
    training_file = await settled(client, answer.headers["Location"])
    request = {"training_file_id": training_file["id"], "hyperparameters": QUICK}
    answer = await client.post("/v1/fine-tunes", json=request)
    fine_tune = await settled(client, answer.headers["Location"])
    assert fine_tune["status"] == "succeeded", fine_tune
    new = set(models.glob("*")) - before
    assert new
    answer = await client.delete(f"/v1/datasets/{dataset['id']}?cascade=true")
    assert answer.status_code == 204, answer.text
    assert stored(client, dataset["id"]) == stored(client, training_file["id"]) == {}
    assert new - set(models.glob("*"))


async def test_what_is_refused_or_replayed_leaves_no_bytes(client: httpx.AsyncClient) -> None:
    """Whatever is wrong with a form, the files in it are not kept; nor is a second copy."""
    file, key = ("file", ("x.txt", ONE)), {"Idempotency-Key": "storage-1"}
    first = await client.post("/v1/datasets", files=[file], headers=key)
    owner = (await settled(client, first.headers["Location"]))["id"]
    await until(lambda: len(stored(client, owner)) == 2)
    blobs = data_folder(client) / "blobs"
    # Training files that other tests have not waited for may be written meanwhile.
    before, owners = stored(client, "ds_*"), {path.name for path in blobs.glob("ds_*")}
    multipart = {"Content-Type": "multipart/form-data; boundary=x"}
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    cases: list[tuple[int, dict[str, Any]]] = [
        (422, {"files": [file, ("other", ("y", "z"))]}),
        (422, {"files": [file], "data": {"other": "x"}}),
        (422, {"files": [file], "data": {"split": ["a", "b"]}}),
        (422, {"files": [file], "data": {"format": "docx"}}),
        (422, {"files": [file], "data": {"name": ""}}),
        (400, {"files": [file], "data": {"name": "x" * 20_000}}),
        (400, {"content": part + ONE.encode(), "headers": multipart}),
        (400, {"content": part + ONE.encode() + b"\r\n--x", "headers": multipart}),
        (400, {"content": part + ONE.encode() + b"\r\n--x!", "headers": multipart}),
        (400, {"content": part + ONE.encode() + b"\r\n--x\r\n@: y\r\n", "headers": multipart}),
        (202, {"files": [file], "headers": key}),
        (409, {"files": [("file", ("x.txt", TWO))], "headers": key}),
    ]
    for status, request in cases:
        answer = await client.post("/v1/datasets", **request)
        assert answer.status_code == status, answer.text
        assert stored(client, "ds_*") == before, request
        assert {path.name for path in blobs.glob("ds_*")} == owners, request
