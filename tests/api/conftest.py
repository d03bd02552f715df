"""The whole service in this process, on real databases built by the migrations, over ASGI."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.main import create_app
from app.platform.settings import Settings
from tests.databases import NewDatabase

Json = dict[str, Any]
SAMPLE = Path(str(files("app.corpora") / "sample"))
# Of a training that is soon over, for tests of what is around it: the model is of little use.
QUICK: Json = {"preset": "fast", "iterations": 5, "folds": 0}
TERMINAL = {"ready", "succeeded", "failed", "cancelled"}


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service that has started; its jobs run in this process."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield client


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def client(
    tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase
) -> AsyncIterator[httpx.AsyncClient]:
    """One service for all tests of this folder: the job engine is one a process.

    Its threads use `random`, which hypothesis does not suffer while it draws: property tests live
    in other folders.
    """
    folder = tmp_path_factory.mktemp("data")
    with new_database() as url:
        async with running(Settings(data_dir=folder, database_url=url, _env_file=None)) as client:
            yield client


async def settled(client: httpx.AsyncClient, location: str, seconds: float = 60) -> Json:
    """The resource once its job has ended."""
    async with asyncio.timeout(seconds):
        while True:
            resource: Json = (await client.get(location)).json()
            if resource["status"] in TERMINAL:
                return resource
            await asyncio.sleep(0.05)


Upload = Callable[..., Awaitable[Json]]


async def upload(client: httpx.AsyncClient, *contents: str | bytes, **data: Any) -> Json:
    """A dataset of these files, once it has been read; `splits` names theirs."""
    splits = data.pop("splits", None)
    names = data.pop("filenames", [f"file-{n}.txt" for n in range(len(contents))])
    form = dict(data)
    if splits:
        form["split"] = splits
    files_ = [
        ("file", (name, content.encode() if isinstance(content, str) else content))
        for name, content in zip(names, contents, strict=True)
    ]
    answer = await client.post("/v1/datasets", files=files_, data=form)
    assert answer.status_code == 202, answer.text
    return await settled(client, answer.headers["Location"])


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def sample(client: httpx.AsyncClient) -> Json:
    """The synthetic sample, uploaded; read only."""
    contents = [(SAMPLE / f"{split}.pubtator.txt").read_bytes() for split in ("train", "dev")]
    return await upload(client, *contents, splits=["train", "dev"], name="sample")


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def training_file(client: httpx.AsyncClient, sample: Json) -> Json:
    """A training file of the sample; read only."""
    answer = await client.post("/v1/training-files", json={"dataset_id": sample["id"]})
    return await settled(client, answer.headers["Location"])


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def fine_tune(client: httpx.AsyncClient, training_file: Json) -> Json:
    """A fine-tune that has succeeded; read only."""
    request = {
        "training_file_id": training_file["id"],
        "hyperparameters": {"preset": "fast"},
        "name": "sample-fast",
    }
    answer = await client.post("/v1/fine-tunes", json=request)
    assert answer.status_code == 202, answer.text
    fine_tune = await settled(client, answer.headers["Location"])
    assert fine_tune["status"] == "succeeded", fine_tune
    return fine_tune
