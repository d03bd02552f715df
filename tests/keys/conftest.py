"""A service with keys of each test, on both databases."""

from collections.abc import AsyncIterator

import pytest_asyncio
from fastapi import FastAPI

from app.platform.settings import Settings
from tests.keys.keyed import Client, client_of, keyed, started


@pytest_asyncio.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    """A service that has one key from its settings."""
    async with started(keyed(settings)) as service:
        yield service


@pytest_asyncio.fixture
async def client(app: FastAPI) -> AsyncIterator[Client]:
    """Has no key, and asks from elsewhere."""
    async with client_of(app) as client:
        yield client
