"""The log of requests: JSON, each line with its request's id, and nothing of what was sent."""

import json
import shutil
import socket
import time
from typing import Any

import httpx
import pytest

from app.own_service import OwnService
from tests.platform.test_uploads import BEGIN, MULTIPART, finished

# Planted in texts and in whatever else is not to be stored outside of blobs.
SECRET = "Xylometarex"
# Planted in names, which are rows of the database, but are not to be logged.
NAME = "Quibblefarg"

DOCUMENT = f"""{SECRET}1|t|{SECRET} and asthma.
{SECRET}1|a|Of {SECRET}.
{SECRET}1\t0\t11\t{SECRET}\tChemical\t{SECRET}
"""


def logged(own: OwnService) -> list[dict[str, Any]]:
    """All lines of the log; each has to be a JSON object."""
    lines = [json.loads(line) for line in own.log.read_text().splitlines()]
    assert all(isinstance(line, dict) for line in lines)
    return lines


def wait_for_line(own: OwnService, **fields: object) -> None:
    """Return once a line has these fields."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if any(fields.items() <= line.items() for line in logged(own)):
            return
        time.sleep(0.05)
    raise AssertionError(f"no line with {fields}")


def databases(own: OwnService) -> dict[str, bytes]:
    """The bytes of both databases, with what is not checkpointed yet."""
    folder = own.log.parent
    return {path.name: path.read_bytes() for path in folder.glob("*.db*")}


@pytest.fixture(scope="module")
def planted(own: OwnService) -> OwnService:
    """The service, after it has been sent the words at all places that take one."""
    client = own.client
    upload = {
        "files": [("file", (f"{NAME}.txt", DOCUMENT + "\n" + DOCUMENT.replace("0\t11", "1\t12")))],
        "data": {"name": NAME, "split": NAME},
        "headers": {"Idempotency-Key": NAME},
    }
    assert finished(client, client.post("/v1/datasets", **upload))["status"] == "failed"  # type: ignore[arg-type]
    upload["files"] = [("file", (f"{NAME}.txt", DOCUMENT))]
    upload["headers"] = {}
    dataset = finished(client, client.post("/v1/datasets", **upload))  # type: ignore[arg-type]
    assert dataset["status"] == "ready", dataset
    request = {"dataset_id": dataset["id"], "splits": [NAME]}
    training_file = client.post("/v1/training-files", json=request)
    finished(client, training_file)
    path = f"/v1/datasets/{dataset['id']}"
    json_type = {"Content-Type": "application/json"}
    answers: list[tuple[int, httpx.Response]] = [
        (200, client.get(f"{path}/documents?split={NAME}")),
        (200, client.get(f"{training_file.headers['Location']}/content")),
        (200, client.get(f"{path}/export?format=pubtator")),
        (200, client.post("/v1/extractions", json={"model": "local:rules", "text": SECRET})),
        (404, client.post("/v1/extractions", json={"model": SECRET, "text": SECRET})),
        (422, client.post("/v1/extractions", json={"model": "local:rules", "texts": SECRET})),
        (422, client.post("/v1/extractions", json={SECRET: SECRET})),
        (422, client.post("/v1/extractions", content=b"{" + SECRET.encode(), headers=json_type)),
        (404, client.get(f"/v1/datasets/{SECRET}")),
        (404, client.get(f"/{SECRET}?{SECRET}={SECRET}", headers={"User-Agent": SECRET})),
        (422, client.get(f"{path}/documents?split={SECRET}")),
        (400, client.get(f"{path}/documents?cursor={SECRET}")),
        (404, client.post("/v1/training-files", json={"dataset_id": SECRET})),
        (422, client.post("/v1/datasets", files=[(SECRET, (SECRET, SECRET))])),
        (400, client.post("/v1/datasets", content=BEGIN + SECRET.encode(), headers=MULTIPART)),
        (404, client.put(f"/v1/model-aliases/{NAME}", json={"model": SECRET})),
        (404, client.delete(f"/v1/models/{SECRET}")),
        (405, client.patch(f"/v1/models/{SECRET}")),
    ]
    for status, answer in answers:
        assert answer.status_code == status, (answer.request.url, answer.text)
    _break_off_an_upload(own)
    # A request that breaks: its documents have gone from the data folder.
    shutil.rmtree(own.log.parent / "blobs" / dataset["id"])
    answer = client.get(f"{path}/documents", headers={"X-Request-ID": "broken-1"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    wait_for_line(own, event="request", request_id="broken-1")
    return own


def _break_off_an_upload(own: OwnService) -> None:
    url = httpx.URL(own.address)
    head = (
        "POST /v1/datasets HTTP/1.1\r\nHost: medtune\r\nX-Request-ID: gone-1\r\n"
        f"Content-Type: {MULTIPART['Content-Type']}\r\nContent-Length: 10000\r\n\r\n"
    )
    with socket.create_connection((url.host, url.port or 0)) as connection:
        connection.sendall(head.encode() + BEGIN + SECRET.encode())
        time.sleep(0.2)
    wait_for_line(own, event="request", request_id="gone-1")


def test_the_log_holds_nothing_of_what_was_sent(planted: OwnService) -> None:
    """Neither text nor path nor name; the operation instead."""
    log = planted.log.read_text()
    assert SECRET not in log
    assert NAME not in log
    assert "/v1/" not in log
    operations = {line.get("operation") for line in logged(planted) if line["event"] == "request"}
    assert {"createDataset", "listDatasetDocuments", "createExtraction"} <= operations


def test_the_databases_hold_names_but_no_text(planted: OwnService) -> None:
    """Names are found, so that a search finds what is there; texts and document ids are not."""
    found = databases(planted)
    assert any(NAME.encode() in content for content in found.values())
    assert {name.partition(".")[0] for name in found} == {"medtune", "jobs"}
    for name, content in found.items():
        assert SECRET.encode() not in content, name
        if name.startswith("jobs"):
            assert NAME.encode() not in content


def test_every_line_of_a_request_has_its_id(planted: OwnService) -> None:
    """The caller's id, or one of ours that the answer tells as well."""
    lines = logged(planted)
    broken = [line["event"] for line in lines if line.get("request_id") == "broken-1"]
    assert broken == ["request_broke", "request"]
    (report,) = [line for line in lines if line["event"] == "request_broke"]
    assert report["exception"] == "builtins.FileNotFoundError"
    assert [line["event"] for line in lines].count("request_broke") == 1
    assert all(line["request_id"] for line in lines if line["logger"] == "medtune.requests")
    given = planted.client.get("/healthz").headers["X-Request-ID"]
    wait_for_line(planted, event="request", request_id=given, operation="getHealth", status=200)
    for name in ("trace-1", "trace-2"):
        planted.client.get("/healthz", headers={"X-Request-ID": name})
        wait_for_line(planted, event="request", request_id=name)


def test_an_upload_that_was_broken_off_leaves_nothing(planted: OwnService) -> None:
    """A client that goes away is no fault of ours, and its bytes are gone with it."""
    lines = [line for line in logged(planted) if line.get("request_id") == "gone-1"]
    assert {line["level"] for line in lines} == {"info"}
    for path in (planted.log.parent / "blobs").glob("*/*"):
        assert not path.name.startswith("."), "an unfinished upload"
