"""A service over real HTTP for Cohere's SDK, a tuned model on it, and the API in this process."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import cohere
import httpx
import pytest
from pydantic import BaseModel

from app.backends.base import Backend
from app.backends.registry import Backends
from app.cohere_api.application import create_cohere_api
from app.main import create_lineage
from app.own_service import OwnService, own_service
from app.parts import create_platform
from app.platform.requests import OpenEntrance, RequestContext
from app.platform.settings import Settings
from tests.databases import NewDatabase, environment

SAMPLE = Path(str(files("app.corpora") / "sample"))
_SECONDS = 60
_TERMINAL = {"ready", "succeeded", "failed", "cancelled"}


@pytest.fixture(scope="package")
def served(
    tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase
) -> Iterator[OwnService]:
    """One service for all tests of this folder."""
    folder = tmp_path_factory.mktemp("served")
    with new_database() as url, own_service(folder, environment(url)) as service:
        yield service


@pytest.fixture(scope="package")
def url(served: OwnService) -> str:
    """What the SDK takes as `base_url`."""
    return f"{served.address}/cohere"


@pytest.fixture(scope="package")
def co(url: str) -> Iterator[cohere.Client]:
    """The SDK's client of version 1; nothing is repeated."""
    with cohere.Client("", base_url=url, max_retries=0) as client:
        yield client


@pytest.fixture(scope="package")
def co2(url: str) -> Iterator[cohere.ClientV2]:
    """The SDK's client of version 2; nothing is repeated."""
    with cohere.ClientV2("", base_url=url, max_retries=0) as client:
        yield client


@pytest.fixture(scope="package")
def tuned(served: OwnService) -> dict[str, Any]:
    """A fine-tune of the sample's diseases and chemicals that has succeeded; read only."""
    with (SAMPLE / "train.pubtator.txt").open("rb") as corpus:
        answer = served.client.post("/v1/datasets", files={"file": corpus}, data={"split": "train"})
    dataset = settled(served.client, answer)
    request: dict[str, Any] = {"dataset_id": dataset["id"], "tasks": ["diseases", "chemicals"]}
    rows = settled(served.client, served.client.post("/v1/training-files", json=request))
    request = {"training_file_id": rows["id"], "hyperparameters": {"preset": "fast"}}
    tuned = settled(served.client, served.client.post("/v1/fine-tunes", json=request))
    assert tuned["status"] == "succeeded", tuned
    return tuned


def plain(said: BaseModel) -> Any:
    """What the SDK has read, as JSON: its own types are unions that no test wants to take apart."""
    return said.model_dump(exclude_unset=True)


def settled(client: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    """What was created, once its job has ended."""
    assert answer.status_code == 202, answer.text
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        resource: dict[str, Any] = client.get(answer.headers["Location"]).json()
        if resource["status"] in _TERMINAL:
            return resource
        time.sleep(0.05)
    raise TimeoutError(answer.headers["Location"])


@asynccontextmanager
async def in_process(settings: Settings, **backends: Backend) -> AsyncIterator[httpx.AsyncClient]:
    """A client of Cohere's API in this process, over these backends and an empty database."""
    settings = settings.model_copy(update={"max_text_characters": 10_000})
    registry = Backends(backends)
    platform = create_platform(settings, registry)
    await platform.database.migrate()
    api = create_cohere_api(platform, registry, create_lineage(registry))
    transport = httpx.ASGITransport(
        app=RequestContext(api, limit=lambda _scope: 1 << 20, entrance=OpenEntrance())
    )
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client
    await platform.database.close()
