"""The application's SQL database: SQLite (WAL) or PostgreSQL behind one small interface.

A transaction is opened for reading or for writing. One that reads sees everything as it was at its
first look, on either database. On SQLite a writer takes the lock at once (BEGIN IMMEDIATE): one
that began as a reader could not be promoted while another one writes.

Whoever has to wait waits for a turn, without a connection. SQLite lets in whichever writer happens
to ask at the right moment, and those that wait there keep readers from a connection; a pool gives
up on all that wait for one as soon as for a server that is away.

A transaction of a workspace sees, changes and makes the rows of that one alone, whatever is asked
in it: the filter is put into each statement here, in one place.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.orm.exc import StaleDataError

from app.platform.engines import MOST_CONNECTIONS, READING, WRITING, empty_wal, new_engine
from app.platform.errors import ApiError
from app.platform.telemetry import Tracing
from app.tables import CIPHER, WORKSPACE, Cipher, Owned

# A wheel holds the migrations inside the package; in a checkout they lie beside it.
_PACKAGE = Path(__file__).resolve().parents[1]
_MIGRATIONS = [_PACKAGE / "alembic", _PACKAGE.parent / "alembic"]
# Execution options of a statement that is to see the rows of all workspaces.
ALL_WORKSPACES: Mapping[str, Any] = MappingProxyType({"medtune_everywhere": True})

# While it answers, but many ask, it may be later.
_LONGEST_TURN_SECONDS = 20
_RETRY_AFTER_SECONDS = 5
# Of SQLite's failures those of a file that cannot be had at the moment.
_SQLITE_AWAY = frozenset(
    [
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
    ]
)


class OwnedSession(Session):
    """Sees the rows of one workspace: of `info["workspace"]`, or of all if there is none."""


@event.listens_for(OwnedSession, "do_orm_execute")
def _filter(state: ORMExecuteState) -> None:
    workspace = state.session.info.get(WORKSPACE)
    everywhere = workspace is None or state.execution_options.keys() & ALL_WORKSPACES.keys()
    if everywhere or state.is_insert:
        return
    state.statement = state.statement.options(
        with_loader_criteria(Owned, lambda rows: rows.workspace == workspace, include_aliases=True)
    )


class NewerSchemaError(Exception):
    """The schema is of a newer release, which this program knows nothing of."""


class Database:
    """One pool of connections; made in the composition root, closed with it.

    With a `cipher` the columns that are to be sealed are.
    """

    def __init__(
        self, url: str, tracing: Tracing | None = None, cipher: Cipher | None = None
    ) -> None:
        self._url = make_url(url)
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        self._engine = new_engine(self._url)
        # The types of sealed columns look there.
        setattr(self._engine.sync_engine.dialect, CIPHER, cipher)
        if tracing is not None:
            tracing.watch(self._engine.sync_engine)
        self._writer = self._engine.execution_options(**WRITING)
        self._reader = self._engine if self.is_sqlite else self._engine.execution_options(**READING)
        # Who reads needs no turn on SQLite.
        self._turns = asyncio.Semaphore(1 if self.is_sqlite else MOST_CONNECTIONS)

    @asynccontextmanager
    async def transaction(
        self, *, write: bool, workspace: str | None = None
    ) -> AsyncIterator[AsyncSession]:
        """A session that is committed at the end of the block, or rolled back if it raises.

        It sees the rows of the workspace and makes them there; of none, it sees all and makes none.
        """
        engine = self._writer if write else self._reader
        if workspace is not None:
            engine = engine.execution_options(**{WORKSPACE: workspace})
        async with (
            self._turn(write=write),
            AsyncSession(
                engine,
                sync_session_class=OwnedSession,
                expire_on_commit=False,
                info={WORKSPACE: workspace},
            ) as session,
            session.begin(),
        ):
            yield session

    @asynccontextmanager
    async def _turn(self, *, write: bool) -> AsyncIterator[None]:
        """A turn in the order of asking, without a connection until then.

        Raises PoolTimeoutError if those before have not done for too long.
        """
        if self.is_sqlite and not write:
            yield
            return
        try:
            async with asyncio.timeout(_LONGEST_TURN_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise PoolTimeoutError("too many transactions wait for a connection") from None
        try:
            yield
        finally:
            self._turns.release()

    async def overwrite_deleted(self) -> None:
        """Leave nothing of what has been deleted in SQLite's log of changes (the WAL).

        Only as far as nobody reads it at the moment. On PostgreSQL that is for VACUUM to do.
        """
        if self.is_sqlite and self._url.database:
            await asyncio.to_thread(empty_wal, self._url.database)

    async def ping(self) -> None:
        """Raise if the database does not answer."""
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def migrate(self, revision: str = "head") -> None:
        """Bring the schema to `revision` with the project's Alembic migrations.

        Raises NewerSchemaError.
        """

        def run(connection: Connection) -> None:
            config = alembic_config()
            config.attributes["connection"] = connection
            if revision == "base" or revision.startswith("-"):
                command.downgrade(config, revision)
            else:
                command.upgrade(config, revision)

        if self.is_sqlite and self._url.database:
            Path(self._url.database).parent.mkdir(parents=True, exist_ok=True)
        if await self.is_newer():
            raise NewerSchemaError(
                "the database is of a newer release; to go back, restore its backup"
            )
        async with self._writer.connect() as connection:
            await connection.run_sync(run)
            await connection.commit()

    async def is_behind(self) -> bool:
        """Whether the schema is older than this program: it has to be migrated first.

        A newer one is fine: another release, at work beside this one, has brought it.
        """
        revision, known = await self._revisions()
        return revision is None or (revision in known and revision != known[0])

    async def is_newer(self) -> bool:
        """Whether the schema is newer than this program, which then cannot migrate it."""
        revision, known = await self._revisions()
        return revision is not None and revision not in known

    async def _revisions(self) -> tuple[str | None, list[str]]:
        """The schema's revision, and those that this program knows, the newest first."""

        def current(connection: Connection) -> str | None:
            return MigrationContext.configure(connection).get_current_revision()

        async with self._engine.connect() as connection:
            revision = await connection.run_sync(current)
        scripts = ScriptDirectory.from_config(alembic_config())
        return revision, [script.revision for script in scripts.walk_revisions()]

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()
        # aiosqlite's threads end a moment after their connections are closed.
        await asyncio.sleep(0)


REFUSALS = (IntegrityError, StaleDataError, DataError)
# What is raised when it does not answer, or not in time: it may a moment later.
AWAY = (OperationalError, InterfaceError, PoolTimeoutError)


def refusal(error: Exception) -> ApiError:
    """What a client is told when the database does not take what looked fine when it was checked.

    Another request has changed it meanwhile, or only the database knows it cannot hold the value.
    """
    if isinstance(error, IntegrityError | StaleDataError):
        return ApiError("conflict", "Another request has changed this meanwhile.")
    return ApiError("invalid_request", "A value holds characters that cannot be stored.")


def away(error: Exception) -> ApiError:
    """What a client is told of one of AWAY. Raises it again if the fault is not the database's."""
    if isinstance(error, OperationalError) and isinstance(error.orig, sqlite3.Error):
        # The low byte is the code, what is above it says more.
        code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        if code & 0xFF not in _SQLITE_AWAY:
            raise error
    return ApiError(
        "database_unavailable",
        "The database does not answer at the moment.",
        retry_after=_RETRY_AFTER_SECONDS,
    )


def alembic_config() -> Config:
    """Alembic's configuration: the scripts in the project's `alembic/` folder."""
    folder = next(folder for folder in _MIGRATIONS if (folder / "env.py").is_file())
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
