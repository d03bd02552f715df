"""Jobs of a workspace under way at once: one too many is refused, whatever kind it is of."""

import asyncio
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import cohere
import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from pydantic import SecretStr

from app.datasets.job_side import JobSide
from app.evaluations.schemas import EvaluationStatus
from app.extraction_batches import states as batch_states
from app.fine_tunes import states as fine_tune_states
from app.main import create_app
from app.platform.access import LOCAL, acting
from app.platform.clock import now
from app.platform.settings import Settings
from app.platform.unfinished import STATUSES, TABLES
from app.tables import DatasetRow, Table
from tests.keys.keyed import ADMIN_KEY, bearer, make

Client = httpx.AsyncClient
SAMPLE = Path(str(files("app.corpora") / "sample")) / "train.pubtator.txt"
LIMIT = 3


@pytest_asyncio.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    """A service with keys that runs no job: whatever is made stays unfinished."""
    told = {"admin_key": SecretStr(ADMIN_KEY), "max_unfinished_jobs": LIMIT}
    service = create_app(settings.model_copy(update=told), queues=())
    async with service.router.lifespan_context(service):
        yield service


@pytest_asyncio.fixture
async def client(app: FastAPI) -> AsyncIterator[Client]:
    transport = httpx.ASGITransport(app=app)
    base = "http://localhost"
    async with Client(transport=transport, base_url=base, headers=bearer(ADMIN_KEY)) as client:
        yield client


def upload(field: str = "file") -> dict[str, Any]:
    return {"files": {field: ("sample.txt", SAMPLE.read_bytes())}}


async def fill(app: FastAPI, count: int = LIMIT) -> str:
    """Make so many datasets that are being read, and tell the id of one."""
    with acting(LOCAL):
        async with app.state.platform.work(write=True) as work:
            for number in range(count):
                work.session.add(
                    DatasetRow(
                        id=f"ds_{number}",
                        name="sample",
                        status="validating",
                        errors=0,
                        warnings=0,
                        problem_counts={},
                        created_at=now(),
                    )
                )
    return "ds_0"


def blobs(app: FastAPI) -> int:
    folder = app.state.platform.settings.data_dir / "blobs"
    return sum(path.is_file() for path in folder.rglob("*"))


async def test_one_too_many_is_refused(app: FastAPI, client: Client) -> None:
    """Of any kind; nothing of it is stored, and other workspaces do not notice."""
    dataset_id = await fill(app)
    stored = blobs(app)
    terms: dict[str, Any] = {"files": {"file": ("terms.tsv", b"D003000\taspirin\n")}}
    texts: dict[str, Any] = {"files": {"file": ("texts.jsonl", b'{"text": "Aspirin."}\n')}}
    same: dict[str, Any] = {"headers": {"Sec-Fetch-Site": "same-origin"}}
    asked = {"dataset_id": dataset_id}
    model = {"model": "local:rules"}
    document = {"id": "90000001", "split": "train", "title": "Aspirin and asthma."}
    revision: dict[str, Any] = {"documents": [document | {"mentions": [], "relations": []}]}
    refused = [
        await client.post("/v1/datasets", **upload()),
        await client.post("/v1/datasets", **upload(), headers={"Idempotency-Key": "again"}),
        await client.post(f"/v1/datasets/{dataset_id}/revisions", json=revision),
        await client.post("/v1/training-files", json=asked),
        await client.post("/v1/vocabularies", **terms, data={"name": "terms", "type": "Chemical"}),
        await client.post("/v1/fine-tunes", json={"training_file_id": "tf_0"}),
        await client.post("/v1/evaluations", json=asked | {"models": ["local:rules"]}),
        await client.post("/v1/extraction-batches", json=asked | model),
        await client.post("/v1/extraction-batches", data=model, **texts),
        await client.post("/datasets", **upload(), **same),
        await client.post("/cohere/v1/datasets?name=n&type=chat-finetune-input", **upload("data")),
    ]
    told = [(each.status_code, each.headers.get("Retry-After")) for each in refused]
    assert told == [(429, "30")] * len(refused), [each.text for each in refused]
    assert refused[0].json()["code"] == "too_many_jobs"
    assert refused[-1].json().keys() == {"id", "message"}
    assert blobs(app) == stored
    for room in ("training-files", "vocabularies", "fine-tunes", "evaluations"):
        assert (await client.get(f"/v1/{room}")).json()["items"] == []
    assert len((await client.get("/v1/datasets")).json()["items"]) == LIMIT
    _, other = await make(app, "write", "elsewhere")
    assert (await client.post("/v1/datasets", **upload(), headers=bearer(other))).is_success


async def test_room_is_made_by_what_ends(app: FastAPI, client: Client) -> None:
    """The same request, with its key, is then done."""
    dataset_id = await fill(app)
    again: dict[str, Any] = {"headers": {"Idempotency-Key": "again"}}
    assert (await client.post("/v1/datasets", **upload(), **again)).status_code == 429
    async with app.state.platform.work(write=True) as work:
        await JobSide(work).fail(dataset_id, "internal_error", "It broke.")
    assert (await client.post("/v1/datasets", **upload(), **again)).status_code == 202
    repeated = await client.post("/v1/datasets", **upload(), **again)
    assert repeated.headers["Idempotency-Replayed"] == "true"
    assert (await client.post("/v1/datasets", **upload())).status_code == 429


async def test_two_at_once_do_not_both_get_the_last_place(app: FastAPI, client: Client) -> None:
    await fill(app, LIMIT - 1)
    answers = await asyncio.gather(*(client.post("/v1/datasets", **upload()) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [202, 429, 429, 429]


async def test_the_cohere_sdk_is_told(app: FastAPI, client: Client) -> None:
    await fill(app)
    sdk = cohere.AsyncClient(ADMIN_KEY, base_url="http://localhost/cohere", httpx_client=client)
    with pytest.raises(cohere.TooManyRequestsError):
        await sdk.datasets.create(
            name="n",
            type="chat-finetune-input",
            data=("sample.jsonl", b'{"messages": []}\n'),
            request_options={"max_retries": 0},
        )


def test_all_states_that_are_no_end_are_counted() -> None:
    """A state that is new has to be thought of."""
    ends = {"succeeded", "ready", "failed", "cancelled"}
    known = {*fine_tune_states.Status, *batch_states.Status, *EvaluationStatus}
    assert {str(status) for status in known} - ends | {"validating", "building"} == set(STATUSES)


def test_all_kinds_of_jobs_are_counted() -> None:
    """But for those that are parts of another one."""
    parts = {"extraction_shards", "notification_attempts", "notification_deliveries"}
    mapped = {each.class_ for each in Table.registry.mappers if "status" in each.columns}
    assert {each.__tablename__ for each in mapped} - parts == {
        table.__tablename__ for table in TABLES
    }
