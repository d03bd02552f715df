"""One service for all tests of this folder, and uploads to it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.platform.settings import Settings
from tests.api.conftest import Json, running, settled
from tests.databases import NewDatabase
from tests.vocabularies.samples import PLAIN_CHEMICALS, PLAIN_DISEASES

PATH = "/v1/vocabularies"
Content = str | bytes


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def client(
    tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase
) -> AsyncIterator[httpx.AsyncClient]:
    """The whole service, its jobs in this process."""
    folder = tmp_path_factory.mktemp("data")
    with new_database() as url:
        async with running(Settings(data_dir=folder, database_url=url, _env_file=None)) as client:
            yield client


async def send(client: httpx.AsyncClient, *contents: Content, **data: Any) -> httpx.Response:
    """The answer to an upload of these contents; `filenames` names theirs."""
    names = data.pop("filenames", [f"file-{n}.txt" for n in range(len(contents))])
    key = data.pop("key", None)
    files = [
        ("file", (name, content.encode() if isinstance(content, str) else content))
        for name, content in zip(names, contents, strict=True)
    ]
    headers = {} if key is None else {"Idempotency-Key": key}
    return await client.post(PATH, files=files, data=data, headers=headers)


async def upload(client: httpx.AsyncClient, *contents: Content, **data: Any) -> Json:
    """A vocabulary of these contents, once its job has ended."""
    answer = await send(client, *contents, **data)
    assert answer.status_code == 202, answer.text
    return await settled(client, answer.headers["Location"])


async def look_up(
    client: httpx.AsyncClient, vocabulary: str, name: str, type_: str | None = None
) -> list[tuple[str, str, float]]:
    """(identifier, match, score) of what a name is found to mean."""
    query = {"name": name} | ({"type": type_} if type_ else {})
    answer = await client.get(f"{PATH}/{vocabulary}/lookup", params=query)
    assert answer.status_code == 200, answer.text
    return [(i["identifier"], i["match"], i["score"]) for i in answer.json()["items"]]


def data_folder(client: httpx.AsyncClient) -> Path:
    """Where the service behind this client keeps its state."""
    transport = cast(httpx.ASGITransport, client._transport)
    return cast(Path, cast(FastAPI, transport.app).state.platform.settings.data_dir)


def stored(client: httpx.AsyncClient, owner: str = "voc_*") -> dict[str, bytes]:
    """Name and content of all that lies in the folder of one vocabulary, or of all."""
    blobs = data_folder(client) / "blobs"
    return {
        str(path.relative_to(blobs)): path.read_bytes() if path.is_file() else b""
        for path in blobs.glob(f"{owner}/*")
    }


async def owned(client: httpx.AsyncClient, owner: str, count: int) -> dict[str, bytes]:
    """What lies in its folder, once there are so many: bytes go a moment after the commit."""
    async with asyncio.timeout(60):
        while len(found := stored(client, owner)) != count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return found


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def diseases(client: httpx.AsyncClient) -> Json:
    """A vocabulary of diseases; read only."""
    return await upload(client, PLAIN_DISEASES, name="some-diseases", type="Disease")


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def chemicals(client: httpx.AsyncClient) -> Json:
    """A vocabulary of chemicals; read only."""
    return await upload(client, PLAIN_CHEMICALS, name="some-chemicals", type="Chemical")
