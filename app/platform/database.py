"""The application's SQL database: SQLite (WAL) or PostgreSQL behind one small interface.

A transaction is opened for reading or for writing. On SQLite a writer takes the lock at once
(BEGIN IMMEDIATE): one that began as a reader could not be promoted while another one writes.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from app.platform.errors import ApiError

# A wheel holds the migrations inside the package; in a checkout they lie beside it.
_PACKAGE = Path(__file__).resolve().parents[1]
_MIGRATIONS = [_PACKAGE / "alembic", _PACKAGE.parent / "alembic"]
_BEGIN = "medtune_begin"


def _configure_sqlite(connection: Any, _record: object) -> None:
    # The driver's own transaction handling is switched off: `_begin` below emits BEGIN.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=30000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))


class Database:
    """One pool of connections; made in the composition root, closed with it."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        self._engine = create_async_engine(url, pool_pre_ping=not self.is_sqlite)
        if self.is_sqlite:
            event.listen(self._engine.sync_engine, "connect", _configure_sqlite)
            event.listen(self._engine.sync_engine, "begin", _begin)
        self._writer = self._engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})

    @asynccontextmanager
    async def transaction(self, *, write: bool) -> AsyncIterator[AsyncSession]:
        """A session that is committed at the end of the block, or rolled back if it raises."""
        engine = self._writer if write else self._engine
        async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
            yield session

    async def ping(self) -> None:
        """Raise if the database does not answer."""
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def migrate(self, revision: str = "head") -> None:
        """Bring the schema to `revision` with the project's Alembic migrations."""

        def run(connection: Connection) -> None:
            config = alembic_config()
            config.attributes["connection"] = connection
            if revision == "base" or revision.startswith("-"):
                command.downgrade(config, revision)
            else:
                command.upgrade(config, revision)

        if self.is_sqlite and self._url.database:
            Path(self._url.database).parent.mkdir(parents=True, exist_ok=True)
        async with self._writer.connect() as connection:
            await connection.run_sync(run)
            await connection.commit()

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()
        # aiosqlite's threads end a moment after their connections are closed.
        await asyncio.sleep(0)


REFUSALS = (IntegrityError, DataError)
# What is raised when it does not answer, or not in time: it may a moment later.
AWAY = (OperationalError, InterfaceError, PoolTimeoutError)


def refusal(error: Exception) -> ApiError:
    """What a client is told when the database does not take what looked fine when it was checked.

    Another request has changed it meanwhile, or only the database knows it cannot hold the value.
    """
    if isinstance(error, IntegrityError):
        return ApiError("conflict", "Another request has changed this meanwhile.")
    return ApiError("invalid_request", "A value holds characters that cannot be stored.")


def alembic_config() -> Config:
    """Alembic's configuration: the scripts in the project's `alembic/` folder."""
    folder = next(folder for folder in _MIGRATIONS if (folder / "env.py").is_file())
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
