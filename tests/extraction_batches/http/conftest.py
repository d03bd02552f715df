"""A service in this process with small shards, a stand-in of a server, and batches to send."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.platform.settings import Settings
from tests.api.conftest import SAMPLE, Json, running, settled, upload
from tests.backends.openai.server import Port, Server, open_port
from tests.databases import NewDatabase

PATH = "/v1/extraction-batches"
SHARD = 3
TEXT = "Haloperidol-induced parkinsonism resolved after clozapine."


@pytest.fixture(scope="package")
def port() -> Iterator[Port]:
    """Where the stand-in is reached."""
    with open_port() as port:
        yield port


@pytest.fixture
def server(port: Port) -> Server:
    """The stand-in of one test."""
    port.server = Server(port.url)
    port.server.says = {"chemicals": "- haloperidol\n"}
    return port.server


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def client(
    tmp_path_factory: pytest.TempPathFactory, port: Port, new_database: NewDatabase
) -> AsyncIterator[httpx.AsyncClient]:
    """One service for all tests of this folder."""
    with new_database() as url:
        settings = Settings(
            data_dir=tmp_path_factory.mktemp("data"),
            database_url=url,
            openai_base_url=port.url,
            remote_attempts=1,
            shard_documents=SHARD,
            max_batch_documents=200,
            max_text_characters=1000,
            _env_file=None,
        )
        async with running(settings) as client:
            yield client


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def sample(client: httpx.AsyncClient) -> Json:
    """A part of the synthetic sample, uploaded; read only."""
    train = (SAMPLE / "train.pubtator.txt").read_text()
    few = "\n\n".join(train.split("\n\n")[:10]) + "\n"
    dev = (SAMPLE / "dev.pubtator.txt").read_text()
    return await upload(client, few, dev, splits=["train", "dev"], name="sample")


def jsonl(rows: Sequence[Any]) -> bytes:
    """Lines of these values."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


async def send(
    client: httpx.AsyncClient,
    content: bytes,
    fields: Mapping[str, Any] | None = None,
    *,
    key: str | None = None,
    filename: str = "texts.jsonl",
) -> httpx.Response:
    """The answer to an upload."""
    form = {"model": "local:rules"} | dict(fields or {})
    headers = {} if key is None else {"Idempotency-Key": key}
    files = {"file": (filename, content)}
    return await client.post(PATH, data=form, files=files, headers=headers)


async def ended(client: httpx.AsyncClient, answer: httpx.Response) -> Json:
    """The batch of a creating request, once it has ended."""
    assert answer.status_code == 202, answer.text
    return await settled(client, answer.headers["Location"])


async def done(
    client: httpx.AsyncClient, content: bytes, fields: Mapping[str, Any] | None = None
) -> Json:
    """A batch over an upload, once it has succeeded."""
    batch = await ended(client, await send(client, content, fields))
    assert batch["status"] == "succeeded", batch
    return batch


async def results(client: httpx.AsyncClient, batch: Json) -> list[Json]:
    """All lines of its results."""
    answer = await client.get(f"{PATH}/{batch['id']}/results")
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]
