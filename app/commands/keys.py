"""`medtune keys`: make, list and revoke keys, of any workspace; for whoever runs the service.

They work on the database itself, whether a service runs or not: the first key has to come from
somewhere.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from app.commands.database import check_schema, database_errors
from app.commands.service import CommandError
from app.keys.schemas import ApiKey, KeyRequest, NewApiKey
from app.keys.secret import parse
from app.keys.service import Keys
from app.platform.access import EVERYWHERE, Principal, Scope, acting
from app.platform.clock import now
from app.platform.database import NewerSchemaError
from app.platform.errors import ApiError
from app.platform.making import bare_platform, bring_up_to_date
from app.platform.settings import Settings
from app.platform.work import Platform

_ACTOR = "operator"
_WORKSPACE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_KEY_ID = re.compile(r"key_[0-9a-f]{32}")
_PAGE = 1000

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Asked:
    """A key to be made; without `expires_in` it lasts for good."""

    name: str
    scope: str
    workspace: str
    expires_in: timedelta | None


def create(settings: Settings, asked: Asked) -> NewApiKey:
    """Make a key. Raises CommandError for what is not valid."""
    if not _WORKSPACE.fullmatch(asked.workspace):
        raise CommandError("A workspace is named in small letters, digits and hyphens.")
    if asked.scope.upper() not in Scope.__members__:
        raise CommandError("The scope is one of read, write, admin.")
    if not 1 <= len(asked.name) <= 200:
        raise CommandError("A name has 1 to 200 characters.")
    if asked.expires_in == timedelta():
        raise CommandError("A key has to last longer than that.")
    end = None if asked.expires_in is None else now() + asked.expires_in
    request = KeyRequest.model_validate(
        {"name": asked.name, "scope": asked.scope, "expires_at": end}
    )

    async def make(platform: Platform) -> NewApiKey:
        async with _within(platform, asked.workspace) as keys:
            return await keys.create(request)

    return _run(settings, make)


def show(settings: Settings, console: Console) -> None:
    """Draw a table of all keys, of all workspaces."""

    async def all_keys(platform: Platform) -> list[ApiKey]:
        found: list[ApiKey] = []
        cursor: str | None = None
        async with _everywhere(platform) as keys:
            while True:
                page = await keys.page(cursor, _PAGE)
                found += page.items
                if (cursor := page.next_cursor) is None:
                    return found

    table = Table("Id", "Name", "Workspace", "Scope", "Status", "Ends", "Last used")
    for key in _run(settings, all_keys):
        table.add_row(
            key.id,
            key.name,
            key.workspace,
            key.scope,
            key.status,
            _moment(key.expires_at),
            _moment(key.last_used_at),
        )
    console.print(table if table.rows else "There are no keys. Make one: medtune keys create")


def revoke(settings: Settings, given: str) -> str:
    """End a key for good, given by its id or whole; gives its id.

    Raises CommandError if there is none, which does not repeat what was given: it may be a key.
    """
    whole = parse(given)
    key_id = given if whole is None else whole.key_id
    if not _KEY_ID.fullmatch(key_id):
        raise CommandError("That is no id of a key; medtune keys list shows them.")

    async def end(platform: Platform) -> None:
        async with _everywhere(platform) as keys:
            workspace = (await keys.get(key_id)).workspace
        async with _within(platform, workspace) as keys:
            await keys.revoke(key_id)

    _run(settings, end)
    return key_id


def _moment(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"


@asynccontextmanager
async def _everywhere(platform: Platform) -> AsyncIterator[Keys]:
    with acting(EVERYWHERE):
        async with platform.work(write=False) as work:
            yield Keys(work)


@asynccontextmanager
async def _within(platform: Platform, workspace: str) -> AsyncIterator[Keys]:
    with acting(Principal(_ACTOR, workspace, Scope.ADMIN)):
        async with platform.work(write=True) as work:
            yield Keys(work)


def _run(settings: Settings, act: Callable[[Platform], Awaitable[Answer]]) -> Answer:
    async def run() -> Answer:
        async with bare_platform(settings) as platform:
            await bring_up_to_date(settings, platform.database)
            await check_schema(platform.database)
            return await act(platform)

    try:
        with database_errors():
            return asyncio.run(run())
    except ApiError as error:
        raise CommandError(error.detail) from None
    except NewerSchemaError:
        raise CommandError(
            "The data folder is of a newer release; use the medtune of that."
        ) from None
