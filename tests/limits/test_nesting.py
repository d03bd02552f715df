"""JSON nested without end, wherever a request may hold it, is a fault of the request alone."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from app.platform.settings import Settings
from tests.api.conftest import running

JSON = {"Content-Type": "application/json"}
SAME = {"Sec-Fetch-Site": "same-origin"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """On SQLite alone: nothing of this reaches the database."""
    folder: Path = tmp_path_factory.mktemp("data")
    async with running(Settings(data_dir=folder, _env_file=None)) as client:
        yield client


def around(before: str, depth: int, after: str) -> list[bytes]:
    return [
        (before + opening * depth + middle + closing * depth + after).encode()
        for opening, middle, closing in (("[", "", "]"), ('{"a":', "1", "}"))
    ]


BODIES = [
    ("POST", "/v1/extractions", "", ""),
    ("POST", "/v1/extractions", '{"model":"local:rules","text":', "}"),
    ("POST", "/v1/extractions", '{"model":"local:rules","text":"a","options":', "}"),
    ("POST", "/v1/extractions", '{"model":"local:rules","text":"a","more":', "}"),
    ("POST", "/v1/fine-tunes", '{"training_file_id":"tf_0","hyperparameters":{"x":', "}}"),
    ("POST", "/v1/training-files", '{"dataset_id":"ds_0","tasks":', "}"),
    ("POST", "/v1/evaluations", '{"models":["local:rules"],"dataset_id":"ds_0","prices":', "}"),
    ("POST", "/v1/extraction-batches", '{"model":"local:rules","dataset_id":', "}"),
    ("POST", "/v1/datasets/ds_0/revisions", '{"documents":', "}"),
    ("PUT", "/v1/model-aliases/best", '{"model":', "}"),
    ("POST", "/cohere/v2/chat", '{"model":"local:rules","messages":', "}"),
    (
        "POST",
        "/cohere/v2/chat",
        '{"model":"m","messages":[{"role":"user","content":"a"}],"response_format":{"schema":',
        "}}",
    ),
    ("POST", "/cohere/v1/generate", '{"prompt":"a","more":', "}"),
    ("POST", "/cohere/v1/finetuning/finetuned-models", '{"name":"n","settings":', "}"),
    ("POST", "/datasets/ds_0/correct", "", ""),
]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("depth", [50, 300, 600, 900, 960, 990, 100_000])
async def test_bodies(client: httpx.AsyncClient, depth: int) -> None:
    """Also such as can just be parsed, and then not be written."""
    for method, path, before, after in BODIES:
        for body in around(before, depth, after):
            answer = await client.request(method, path, content=body, headers=JSON | SAME)
            assert 400 <= answer.status_code < 500, (path, depth, body[:60], answer.text)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("depth", [900, 960, 990, 100_000])
async def test_fields_and_queries(client: httpx.AsyncClient, depth: int) -> None:
    """Of forms, and cursors."""
    deep = around("", depth, "")[0]
    form = {"model": "local:rules", "options": deep.decode()}
    files = {"file": ("texts.jsonl", b'"Aspirin."\n')}
    answer = await client.post("/v1/extraction-batches", data=form, files=files)
    assert 400 <= answer.status_code < 500, answer.text
