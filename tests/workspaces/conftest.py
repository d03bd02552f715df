"""One service, and two workspaces on it with a key each: `ours`, which has one of everything, and
`theirs`, which has nothing of it and is to find nothing of it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.main import create_app
from app.platform.settings import Settings
from tests.databases import NewDatabase
from tests.notifications.conftest import Receiver, receiver
from tests.workspaces.keys import bearer, new_key
from tests.workspaces.made import Made, make_all


@dataclass(frozen=True)
class Served:
    """The service, and a client for each workspace."""

    app: FastAPI
    ours: httpx.AsyncClient
    theirs: httpx.AsyncClient


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def served(
    tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase
) -> AsyncIterator[Served]:
    """A service that has keys; each client sends one of scope `admin`."""
    with new_database() as url:
        settings = Settings(
            data_dir=tmp_path_factory.mktemp("data"),
            database_url=url,
            notify_private=True,
            _env_file=None,
        )
        app = create_app(settings)
        async with app.router.lifespan_context(app):
            _, ours = await new_key(app.state.platform, "ours")
            _, theirs = await new_key(app.state.platform, "theirs")
            async with client_of(app, ours) as of_ours, client_of(app, theirs) as of_theirs:
                yield Served(app, of_ours, of_theirs)


@asynccontextmanager
async def client_of(app: FastAPI, key: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client that sends this key, and one id with each request: their answers are compared."""
    headers = bearer(key) | {"X-Request-ID": "r"}
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost", headers=headers
    ) as client:
        yield client


@pytest.fixture(scope="package")
def hook() -> Iterator[Receiver]:
    """Where the messages of our workspace go."""
    with receiver() as state:
        yield state


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def made(served: Served, hook: Receiver) -> Made:
    """One of everything in our workspace; read only."""
    return await make_all(served.ours, hook.address)
