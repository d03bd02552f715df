"""Batches from the request to the results: of uploads and of datasets."""

import asyncio
import gzip
import hashlib
import hmac
import io
import json
from typing import Any

import httpx
import pytest

from app.corpora import bioc_json, bioc_xml, pubtator
from app.corpora.documents import Document
from tests.api.conftest import Json, settled
from tests.extraction_batches.http.conftest import (
    PATH,
    SHARD,
    TEXT,
    done,
    ended,
    jsonl,
    results,
    send,
)

pytestmark = pytest.mark.asyncio(loop_scope="package")

READERS: dict[str, Any] = {
    "pubtator": pubtator.read,
    "bioc": bioc_xml.read,
    "bioc_json": bioc_json.read,
}


def documents(format_: str, content: bytes) -> list[Document]:
    """The documents of a file, which has no fault."""
    faults: list[object] = []
    found = [document for _, document in READERS[format_](io.BytesIO(content), faults.append)]
    assert not faults, faults
    return found


async def test_each_text_is_answered_once_and_in_order(client: httpx.AsyncClient) -> None:
    """More shards than are queued at a time; lines are what one extraction answers."""
    rows = [{"id": str(1000 + n), "text": f"Case {n}. {TEXT}"} for n in range(10 * SHARD + 1)]
    answer = await send(client, jsonl(rows), {"name": "cases"})
    created = answer.json()
    assert (created["name"], created["status"]) == ("cases", "queued")
    batch = await ended(client, answer)
    assert batch["status"] == "succeeded"
    assert (batch["documents"], batch["succeeded"], batch["failed"]) == (len(rows), len(rows), 0)
    assert batch["progress"] == 1.0
    assert batch["rate"] > 0
    lines = await results(client, batch)
    assert [line["index"] for line in lines] == list(range(len(rows)))
    assert [line["id"] for line in lines] == [row["id"] for row in rows]
    one = (
        await client.post("/v1/extractions", json={"model": "local:rules", "text": rows[7]["text"]})
    ).json()
    assert lines[7]["extraction"] == {k: v for k, v in one.items() if k not in ("id", "timing")}


async def test_gzip_and_strings(client: httpx.AsyncClient) -> None:
    """A packed upload of bare strings; ids are the places."""
    batch = await done(client, gzip.compress(jsonl([TEXT, "", TEXT])))
    lines = await results(client, batch)
    assert [line["id"] for line in lines] == ["0", "1", "2"]
    assert lines[0]["extraction"]["chemicals"]
    assert lines[1]["extraction"]["chemicals"] == []


async def test_a_bad_line_is_one_failed_document(client: httpx.AsyncClient) -> None:
    """The others are answered; failures are listed with code and place, page by page."""
    content = b"".join(
        [
            jsonl([TEXT]),
            b"{not json\n",
            b"\n",
            b'{"id": "x", "text": "\xff"}\n',
            jsonl([{"id": "none"}, {"id": "long", "text": "a" * 1001}]),
            b'{"id": "half", "text": "\\ud800"}\n',
            jsonl([{"id": 5, "text": TEXT}]),
        ]
    )
    batch = await done(client, content)
    assert (batch["succeeded"], batch["failed"]) == (2, 5)
    expected = [
        (1, "1", "malformed_json"),
        (2, "2", "bad_utf8"),
        (3, "none", "malformed_document"),
        (4, "long", "text_too_long"),
        (5, "half", "invalid_character"),
    ]
    lines = await results(client, batch)
    assert [(n["index"], n["id"], n["error"]["code"]) for n in lines[1:6]] == expected
    assert (lines[6]["id"], "extraction" in lines[6]) == ("5", True)
    found: list[Json] = []
    cursor: dict[str, str] = {}
    while True:
        page = (
            await client.get(f"{PATH}/{batch['id']}/failures", params={"limit": 2, **cursor})
        ).json()
        found += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert [(each["index"], each["id"], each["code"]) for each in found] == expected
    for format_ in READERS:
        answer = await client.get(f"{PATH}/{batch['id']}/results", params={"format": format_})
        assert len(documents(format_, answer.content)) == 7


async def test_other_formats_can_be_read_back(client: httpx.AsyncClient) -> None:
    """Mentions at the same places, also where offsets count other units; relations are kept."""
    text = "\U0001f600 " + TEXT
    rows = [{"id": "227508", "text": text}, {"id": "a|b", "text": "Tab\tand\x0b" + TEXT}]
    options = {"options": json.dumps({"offset_unit": "utf16"})}
    batch = await done(client, jsonl(rows), options)
    lines = await results(client, batch)
    for format_ in READERS:
        answer = await client.get(f"{PATH}/{batch['id']}/results", params={"format": format_})
        first, second = documents(format_, answer.content)
        assert (first.id, second.id) == ("227508", "1")
        assert first.text == text
        assert {m.text for m in first.mentions} == {"Haloperidol", "parkinsonism", "clozapine"}
        assert len(second.mentions) == len(first.mentions)
        assert [(r.type, r.chemical) for r in first.relations] == [
            ("CID", "NAME:haloperidol"),
            ("CID", "NAME:clozapine"),
        ]
    # UTF-16 counts the face twice.
    assert lines[0]["extraction"]["chemicals"][0]["mentions"][0]["start"] == 3


async def test_a_dataset_keeps_ids_passages_and_splits(
    client: httpx.AsyncClient, sample: Json
) -> None:
    """Its documents in order; what is exported can be uploaded as a dataset again."""
    request = {"model": "local:rules", "dataset_id": sample["id"], "splits": ["dev", "train"]}
    batch = await ended(client, await client.post(PATH, json=request))
    assert batch["status"] == "succeeded", batch
    assert (batch["dataset_id"], batch["splits"]) == (sample["id"], ["dev", "train"])
    count = sum(split["documents"] for split in sample["splits"])
    assert batch["documents"] == count
    answer = await client.get(f"{PATH}/{batch['id']}/results", params={"format": "bioc"})
    listed = (await client.get(f"/v1/datasets/{sample['id']}/documents?limit=200")).json()
    found = {document.id: document for document in documents("bioc", answer.content)}
    assert len(found) == count
    for item in listed["items"]:
        passages = [(p["type"], p["offset"], p["text"]) for p in item["passages"]]
        again = found[item["id"]].passages
        assert [(p.type, p.offset, p.text) for p in again] == passages
    deleted = await client.delete(f"/v1/datasets/{sample['id']}")
    assert deleted.json()["code"] == "in_use"


async def test_what_an_extraction_refuses_is_refused(client: httpx.AsyncClient) -> None:
    """With the same codes, whichever way the batch is sent."""
    for fields, status, code in [
        ({"model": "local:none"}, 404, "model_not_found"),
        ({"model": "cohere:x"}, 503, "backend_unavailable"),
        ({"options": '{"vocabularies": ["none"]}'}, 422, "invalid_request"),
        ({"options": '{"min_precision": 0.9}'}, 422, "min_precision_unavailable"),
        ({"options": "{"}, 422, "invalid_request"),
        ({"options": '{"wrong": 1}'}, 422, "invalid_request"),
        ({"tasks": "genes"}, 422, "invalid_request"),
        ({"other": "x"}, 422, "invalid_request"),
    ]:
        answer = await send(client, jsonl([TEXT]), fields)
        assert (answer.status_code, answer.json()["code"]) == (status, code), fields
    for body, status, code in [
        ({"model": "local:rules"}, 422, "invalid_request"),
        ({"model": "local:rules", "dataset_id": "ds_0"}, 404, "not_found"),
        ({"model": "local:none", "dataset_id": "ds_0"}, 404, "model_not_found"),
        ([], 422, "invalid_request"),
    ]:
        answer = await client.post(PATH, json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), body
    answer = await client.post(PATH, content=b"{", headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    answer = await client.post(PATH, content=b"x", headers={"content-type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


async def test_input_that_is_no_batch_fails(client: httpx.AsyncClient) -> None:
    """Nothing in it, too much, or an archive that is broken: failed, with a reason."""
    for content, code in [
        (b"\n\n", "no_documents"),
        (jsonl(["x"] * 201), "too_many_documents"),
        (gzip.compress(jsonl([TEXT] * 100))[:-20], "archive_broken"),
    ]:
        batch = await ended(client, await send(client, content))
        assert (batch["status"], batch["error"]["code"]) == ("failed", code)
        assert await results(client, batch) == []


async def test_tasks_and_idempotency(client: httpx.AsyncClient) -> None:
    """Only what was asked for is in the lines; the same key and file make one batch."""
    first = await send(client, jsonl([TEXT]), {"tasks": ["diseases"]}, key="one")
    again = await send(client, jsonl([TEXT]), {"tasks": '["diseases"]'}, key="one")
    other = await send(client, jsonl([TEXT, TEXT]), {"tasks": ["diseases"]}, key="one")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json()["id"] == first.json()["id"]
    assert other.json()["code"] == "idempotency_key_reused"
    batch = await ended(client, first)
    (line,) = await results(client, batch)
    assert {"diseases"} == {"diseases", "chemicals", "relations"} & set(line["extraction"])


async def test_events_lists_and_deletion(client: httpx.AsyncClient) -> None:
    """What happened, live and later; a batch is gone with its bytes."""
    batch = await done(client, jsonl([TEXT] * 5))
    path = f"{PATH}/{batch['id']}"
    events = (await client.get(f"{path}/events")).json()["items"]
    assert [e["type"] for e in events] == ["queued", "preparing", "running", "succeeded"]
    stream = await client.get(f"{path}/events", headers={"Accept": "text/event-stream"})
    assert stream.text.count("event: ") == 5
    assert '"progress": 1.0' in stream.text
    listed = (await client.get(PATH, params={"status": "succeeded", "limit": 1})).json()
    assert listed["items"][0]["id"] == batch["id"]
    assert (await client.delete(path)).status_code == 204
    for left in ("", "/results", "/failures", "/events"):
        assert (await client.get(path + left)).json()["code"] == "not_found"


async def test_not_before_its_end(client: httpx.AsyncClient, server: Any) -> None:
    """Results of a batch that runs are refused; cancelled, it has those that are done."""
    server.hold_until = 1000
    answer = await send(client, jsonl([TEXT] * 30), {"model": "openai:base", "tasks": "chemicals"})
    path = answer.headers["Location"]
    async with asyncio.timeout(60):
        while not server.asked:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert (await client.get(f"{path}/results")).json()["code"] == "batch_not_finished"
    assert (await client.delete(path)).json()["code"] == "conflict"
    cancelled = await client.post(f"{path}/cancel")
    assert cancelled.json()["status"] in ("cancelling", "cancelled")
    batch = await settled(client, path)
    assert batch["status"] == "cancelled"
    assert (await client.post(f"{path}/cancel")).status_code == 200
    lines = await results(client, batch)
    assert len(lines) == batch["succeeded"] + batch["failed"] < 30
    most = len(server.asked)
    await asyncio.sleep(0.3)
    assert len(server.asked) == most


async def test_a_batch_that_keeps_no_texts(client: httpx.AsyncClient, sample: Json) -> None:
    """By a field of the form, or of the body: hashes and offsets, and no format with texts."""
    text = f"Zq9marker. {TEXT}"
    batch = await done(client, jsonl([text]), {"store_text": "false"})
    assert batch["store_text"] is False
    (line,) = await results(client, batch)
    key = text.encode()
    assert line["text_sha256"] == hashlib.sha256(key).hexdigest()
    for item in line["extraction"]["chemicals"]:
        name = text[item["mentions"][0]["start"] : item["mentions"][0]["end"]]
        assert item["text"] == f"sha256:{hmac.new(key, name.encode(), 'sha256').hexdigest()}"
    for format_ in READERS:
        answer = await client.get(f"{PATH}/{batch['id']}/results", params={"format": format_})
        assert (answer.status_code, answer.json()["code"]) == (409, "text_not_stored")
    body = {"model": "local:rules", "dataset_id": sample["id"], "store_text": False}
    other = await ended(client, await client.post(PATH, json=body))
    assert (other["status"], other["store_text"]) == ("succeeded", False)
    assert all("text_sha256" in line for line in await results(client, other))
    refused = await send(client, jsonl([text]), {"store_text": "perhaps"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/store_text")
