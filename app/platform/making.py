"""How the platform of a process is made of settings; nothing is opened here yet."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from app.platform.database import Database
from app.platform.encryption import create_cipher, plain_folder
from app.platform.folder_lock import FolderInUseError, folder_lock
from app.platform.jobs import Jobs
from app.platform.queues import Queue
from app.platform.row_owners import row_owners
from app.platform.settings import Settings
from app.platform.storage import create_blobs
from app.platform.telemetry import Telemetry
from app.platform.work import Platform
from app.platform.workers import Workers, new_executor

WORKERS = "workers"


def make_platform(
    settings: Settings, queues: Mapping[str, Queue], executor: str, telemetry: Telemetry
) -> Platform:
    """The platform of one process, which is called `executor`, and may run jobs of these queues."""
    database = Database(settings.sqlalchemy_url, telemetry.tracing, create_cipher(settings))
    scratch = scratch_of(settings, executor)
    workers = None
    if not database.is_sqlite:
        workers = Workers(
            Database(settings.sqlalchemy_url),
            executor,
            beat_seconds=settings.heartbeat_seconds,
            lost_seconds=settings.worker_lost_seconds,
        )
    return Platform(
        settings=settings,
        database=database,
        blobs=create_blobs(settings, scratch),
        jobs=Jobs(
            settings.jobs_url,
            queues=queues,
            acting_for=row_owners(database),
            executor=executor,
            workers=workers,
            telemetry=telemetry,
            patience_seconds=settings.database_patience_seconds,
            shutdown_seconds=settings.shutdown_seconds,
        ),
        scratch=scratch,
        telemetry=telemetry,
    )


@asynccontextmanager
async def bare_platform(settings: Settings) -> AsyncIterator[Platform]:
    """A platform without jobs, for whoever looks after a service; its database is closed.

    Commands stand on it, and so this file imports no backend and no room: those take seconds.
    """
    platform = make_platform(settings, {}, new_executor(settings.worker_name), Telemetry())
    try:
        yield platform
    finally:
        await platform.database.close()


async def bring_up_to_date(settings: Settings, database: Database) -> None:
    """Bring a SQLite database to its newest schema, as each start does; a new one is made.

    Where a service runs it has been brought there. PostgreSQL is left to `medtune migrate`.
    """
    if database.is_sqlite:
        with suppress(FolderInUseError), folder_lock(settings.data_dir):
            await database.migrate()


def scratch_of(settings: Settings, executor: str) -> Path:
    """The folder of a process alone: the data folder, unless others may share that, or nothing is
    to lie there in plain."""
    if settings.encryption_keys:
        return plain_folder(settings) / executor
    return settings.data_dir / WORKERS / executor if settings.shared else settings.data_dir
