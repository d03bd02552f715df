"""A service with keys, and keys of it."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from app.keys.schemas import KeyRequest
from app.keys.service import Keys
from app.main import create_app
from app.platform.access import Principal, Scope, acting
from app.platform.settings import Settings

ADMIN_KEY = "an-admin-key-of-the-settings-0123456789"
Client = httpx.AsyncClient
Json = dict[str, Any]


def keyed(settings: Settings) -> Settings:
    """The settings with a key of theirs."""
    return settings.model_copy(update={"admin_key": SecretStr(ADMIN_KEY)})


@asynccontextmanager
async def started(
    settings: Settings, queues: Collection[str] | None = None
) -> AsyncIterator[FastAPI]:
    """A service in this process, for the length of the block, with the jobs of all queues or of
    these."""
    service = create_app(settings, queues)
    async with service.router.lifespan_context(service):
        yield service


def client_of(app: FastAPI, host: str = "service.example") -> Client:
    """A client that has no key."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return Client(transport=transport, base_url=f"http://{host}")


def bearer(key: str) -> dict[str, str]:
    """The header that a key is sent in."""
    return {"Authorization": f"Bearer {key}"}


async def make(
    app: FastAPI, scope: str, workspace: str = "default", expires_at: datetime | None = None
) -> tuple[str, str]:
    """The id of a new key, and the key, made without the service's knowledge."""
    with acting(Principal("operator", workspace, Scope.ADMIN)):
        async with app.state.platform.work(write=True) as work:
            request = KeyRequest.model_validate(
                {"name": "test", "scope": scope, "expires_at": expires_at}
            )
            made = await Keys(work).create(request)
    return made.id, made.key


async def revoke(app: FastAPI, key_id: str, workspace: str = "default") -> None:
    """End a key, without the service's knowledge."""
    with acting(Principal("operator", workspace, Scope.ADMIN)):
        async with app.state.platform.work(write=True) as work:
            await Keys(work).revoke(key_id)
