"""A service in this process, a stand-in of a server with models, and what is evaluated on them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.platform.settings import Settings
from tests.api.conftest import SAMPLE, Json, running, settled, upload
from tests.backends.openai.server import Port, Server, open_port
from tests.databases import NewDatabase

TRAIN_DOCUMENTS = 15


@pytest.fixture(scope="package")
def port() -> Iterator[Port]:
    """Where the stand-in is reached."""
    with open_port() as port:
        yield port


@pytest.fixture
def server(port: Port) -> Server:
    """The stand-in of one test."""
    port.server = Server(port.url)
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
            _env_file=None,
        )
        async with running(settings) as client:
            yield client


async def sample_of(client: httpx.AsyncClient) -> Json:
    """The synthetic sample, uploaded; of `train` no more than is quickly learnt."""
    train, dev = ((SAMPLE / f"{split}.pubtator.txt").read_text() for split in ("train", "dev"))
    few = "\n\n".join(train.split("\n\n")[:TRAIN_DOCUMENTS])
    return await upload(client, few + "\n", dev, splits=["train", "dev"], name="sample")


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def sample(client: httpx.AsyncClient) -> Json:
    """The same on the service of this folder; read only."""
    return await sample_of(client)


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def tuned(client: httpx.AsyncClient, sample: Json) -> str:
    """The id of a model trained on the sample's `train`; for mentions alone, that is quicker."""
    request: Json = {"dataset_id": sample["id"], "tasks": ["diseases", "chemicals"]}
    answer = await client.post("/v1/training-files", json=request)
    file = await settled(client, answer.headers["Location"])
    request = {
        "training_file_id": file["id"],
        "hyperparameters": {"preset": "fast", "iterations": 5, "folds": 0},
    }
    answer = await client.post("/v1/fine-tunes", json=request | {"name": "tuned"})
    fine_tune = await settled(client, answer.headers["Location"])
    assert fine_tune["status"] == "succeeded", fine_tune
    return str(fine_tune["model_id"])


async def evaluate(client: httpx.AsyncClient, **request: Any) -> Json:
    """An evaluation, once it has ended."""
    answer = await client.post("/v1/evaluations", json=request)
    assert answer.status_code == 202, answer.text
    return await settled(client, answer.headers["Location"])


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def evaluated(client: httpx.AsyncClient, sample: Json, tuned: str) -> Json:
    """`local:rules` and the tuned model on `dev`; read only."""
    await client.put("/v1/model-aliases/production", json={"model": tuned})
    models = ["local:rules", "production"]
    evaluation = await evaluate(client, models=models, dataset_id=sample["id"], split="dev")
    assert evaluation["status"] == "succeeded", evaluation
    return evaluation


async def until_running(client: httpx.AsyncClient, location: str) -> None:
    """Wait until its job has begun."""
    async with asyncio.timeout(60):
        while (await client.get(location)).json()["status"] == "queued":  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def documents(client: httpx.AsyncClient, dataset: Json, split: str) -> list[Json]:
    """The documents of a split, 200 at the most."""
    params: dict[str, str | int] = {"split": split, "limit": 200}
    items: list[Json] = (
        await client.get(f"/v1/datasets/{dataset['id']}/documents", params=params)
    ).json()["items"]
    return items


def text_of(document: Json) -> str:
    """All of its text, as offsets count it."""
    text = ""
    for passage in document["passages"]:
        text = text.ljust(passage["offset"]) + passage["text"]
    return text
