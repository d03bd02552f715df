"""Lets requests in: by the key they were sent with, or by a login to the console.

A service that has never had a key lets everybody in, since it is reached from its own machine
alone. What is known of keys is looked up again after `FRESH_SECONDS`: a key that another process
has revoked ends then. While the database is away, what was known last counts.
"""

import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from app.keys.repository import KeyRepository
from app.keys.secret import hashed, parse, same
from app.keys.service import status, unauthenticated
from app.platform.access import DEFAULT_WORKSPACE, Principal, Scope
from app.platform.clock import now
from app.platform.database import AWAY, Database, away
from app.platform.settings import Settings
from app.tables import ConsoleSessionRow

FRESH_SECONDS = 5.0
SESSION_COOKIE = "medtune_session"
_MOST_KNOWN = 10_000
_TOKEN_BYTES = 32

Fact = TypeVar("Fact")
# What was found under a name, and when.
Facts = dict[str, tuple[float, Fact]]


@dataclass(frozen=True, slots=True)
class _Key:
    """What is known of a key."""

    principal: Principal
    hash: str
    expires_at: datetime | None
    revoked_at: datetime | None

    @property
    def valid(self) -> bool:
        return status(self.expires_at, self.revoked_at) == "valid"


@dataclass(frozen=True, slots=True)
class _Login:
    key_id: str | None
    expires_at: datetime


class Doorkeeper:
    """Knows who a request is from; one for each process."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        admin = settings.admin_key
        self._admin_hash = None if admin is None else hashed(admin.get_secret_value())
        self._admin = Principal("settings", DEFAULT_WORKSPACE, Scope.ADMIN)
        self._keyless: Facts[bool] = {}
        self._keys: Facts[_Key | None] = {}
        self._logins: Facts[_Login | None] = {}
        self._used: dict[str, datetime] = {}

    async def keyless(self) -> bool:
        """Whether there has never been a key; once there is one, never again.

        Raises ApiError `database_unavailable`.
        """
        if self._admin_hash is not None:
            return False
        if (known := self._keyless.get("")) is not None and not known[1]:
            return False

        async def look(rows: KeyRepository) -> bool:
            return not await rows.any()

        return await self._known(self._keyless, "", look)

    async def of_bearer(self, token: str) -> Principal:
        """Who sends this bearer token.

        Raises ApiError `unauthenticated`, `database_unavailable`.
        """
        if self._admin_hash is not None and same(self._admin_hash, hashed(token)):
            return self._admin
        given = parse(token)
        key = None if given is None else await self._key(given.key_id)
        if given is None or key is None or not same(key.hash, given.hash) or not key.valid:
            raise unauthenticated()
        self._used[given.key_id] = now()
        return key.principal

    async def of_session(self, token: str) -> Principal:
        """Who has logged in with this token. Raises as `of_bearer`."""
        login = await self._login(hashed(token))
        if login is None or login.expires_at <= now():
            raise unauthenticated()
        if login.key_id is None:
            if self._admin_hash is None:
                raise unauthenticated()
            return self._admin
        key = await self._key(login.key_id)
        if key is None or not key.valid:
            raise unauthenticated()
        self._used[login.key_id] = now()
        return key.principal

    async def log_in(self, key: str) -> str:
        """A token for a session of `session_hours`, for whoever has this key.

        Raises ApiError `unauthenticated`, `database_unavailable`.
        """
        principal = await self.of_bearer(key)
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        row = ConsoleSessionRow(
            hash=hashed(token),
            key_id=None if principal is self._admin else principal.actor,
            created_at=now(),
            expires_at=now() + timedelta(hours=self._settings.session_hours),
        )
        async with self._database.transaction(write=True) as session:
            await KeyRepository(session).add(row)
        return token

    async def log_out(self, token: str) -> None:
        """End a session; a process that knows it forgets it within `FRESH_SECONDS`."""
        self._logins.pop(hashed(token), None)
        async with self._database.transaction(write=True) as session:
            await KeyRepository(session).forget_session(hashed(token))

    async def note_uses(self) -> None:
        """Write down which keys were used since the last time: a chore.

        Raises one of AWAY; the next time those are written that now were not.
        """
        used, self._used = self._used, {}
        if not used:
            return
        try:
            async with self._database.transaction(write=True) as session:
                rows = KeyRepository(session)
                for key_id, at in sorted(used.items()):
                    await rows.used(key_id, at)
        except AWAY:
            self._used = used | self._used
            raise

    async def _key(self, key_id: str) -> _Key | None:
        async def look(rows: KeyRepository) -> _Key | None:
            row = await rows.get(key_id)
            if row is None:
                return None
            principal = Principal(row.id, row.workspace, Scope[row.scope.upper()])
            return _Key(principal, row.hash, row.expires_at, row.revoked_at)

        return await self._known(self._keys, key_id, look)

    async def _login(self, token_hash: str) -> _Login | None:
        async def look(rows: KeyRepository) -> _Login | None:
            row = await rows.session_of(token_hash)
            return None if row is None else _Login(row.key_id, row.expires_at)

        return await self._known(self._logins, token_hash, look)

    async def _known(
        self, facts: Facts[Fact], name: str, look: Callable[[KeyRepository], Awaitable[Fact]]
    ) -> Fact:
        """What is known under this name, looked up if that was long ago.

        Raises ApiError `database_unavailable` if nothing is known.
        """
        known = facts.get(name)
        if known is not None and time.monotonic() - known[0] < FRESH_SECONDS:
            return known[1]
        try:
            async with self._database.transaction(write=False) as session:
                found = await look(KeyRepository(session))
        except AWAY as error:
            if known is None:
                raise away(error) from None
            return known[1]
        if len(facts) >= _MOST_KNOWN:
            facts.clear()
        facts[name] = (time.monotonic(), found)
        return found
