"""The databases tests run on: whoever takes one of these fixtures runs on SQLite and PostgreSQL.

Without PostgreSQL on the machine its half is skipped; with `CI` set it fails instead.
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from app.platform.database import Database
from app.platform.job_store import migrate_jobs
from app.platform.settings import Settings
from tests.postgres import Postgres, binaries, postgres_server

NewDatabase = Callable[[], AbstractContextManager[str | None]]
"""Each block has an empty, migrated database of its own; `Settings.database_url` takes its value.

That is None on SQLite, whose database is in the data folder, and migrated at start.
"""

_MIGRATED = "medtune_migrated"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of this test run (with xdist: of each process of it)."""
    programs = binaries()
    if programs is None:
        missing = "no PostgreSQL: initdb is neither on the PATH nor under /usr/lib/postgresql"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    with postgres_server(programs) as server:
        yield server


@pytest.fixture(scope="session")
def migrated(postgres: Postgres) -> str:
    """The name of a database on it with the newest schemas, to make others from."""
    postgres.execute(f"CREATE DATABASE {_MIGRATED}")

    async def migrate() -> None:
        database = Database(postgres.url(_MIGRATED))
        await database.migrate()
        await database.close()

    asyncio.run(migrate())
    migrate_jobs(postgres.url(_MIGRATED))  # as `medtune migrate` does, too
    return _MIGRATED


@pytest.fixture(scope="package", params=["sqlite", "postgres"])
def new_database(request: pytest.FixtureRequest) -> NewDatabase:
    """Makes databases of one kind: for services of a folder or a file, and several in a test."""
    if request.param == "sqlite":
        return nullcontext
    server: Postgres = request.getfixturevalue("postgres")
    template: str = request.getfixturevalue("migrated")
    return lambda: server.database(template)


@pytest.fixture
def database_url(new_database: NewDatabase) -> Iterator[str | None]:
    """A database of one test."""
    with new_database() as url:
        yield url


@pytest.fixture
def settings(tmp_path: Path, database_url: str | None) -> Settings:
    """Of a service of one test: a folder and a database of its own."""
    return Settings(data_dir=tmp_path, database_url=database_url, _env_file=None)


def environment(url: str | None) -> dict[str, str]:
    """The same database for a service in a process of its own (`own_service`).

    Processes that are killed are soon found dead.
    """
    if url is None:
        return {}
    soon = {"MEDTUNE_HEARTBEAT_SECONDS": "0.5", "MEDTUNE_WORKER_LOST_SECONDS": "5"}
    return {"MEDTUNE_DATABASE_URL": url} | soon
