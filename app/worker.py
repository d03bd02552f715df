"""`medtune serve` and `medtune worker`: one process each, from its start to its end."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog
import uvloop
from fastapi import FastAPI

from app import health as probes
from app import metrics_page
from app.backends.registry import Backends
from app.keys.doorkeeper import Doorkeeper
from app.main import create_app, running
from app.parts import create_parts, create_queues
from app.platform import problem_json
from app.platform.database import AWAY, Database
from app.platform.encryption import EncryptionError, make_plain_folder
from app.platform.ending import end_now, end_on_signals
from app.platform.folder_lock import FolderInUseError, folder_lock
from app.platform.hosts import is_loopback
from app.platform.key_check import check_keys
from app.platform.logs import configure_logs
from app.platform.making import bring_up_to_date
from app.platform.queues import chosen
from app.platform.requests import FASTAPI_TELLS_NOTHING, OpenEntrance, RequestContext
from app.platform.server import serve_until
from app.platform.settings import Settings
from app.platform.telemetry import TelemetryMissingError
from app.platform.work import Platform

log = structlog.get_logger(__name__)


class CannotStartError(Exception):
    """Why a process does not start, in a sentence that goes on after a colon."""


def serve(settings: Settings, host: str, port: int, *, jobs: bool) -> None:
    """Serve the API until told to end, and run jobs beside it, or leave them to workers.

    Raises CannotStartError.
    """
    configure_logs(settings.log_level)
    if not jobs and not settings.shared:
        raise CannotStartError(
            "without a worker of its own it needs others, and those need PostgreSQL; "
            "set MEDTUNE_DATABASE_URL"
        )

    async def run() -> None:
        await _check(settings)
        keyless = not await _has_keys(settings)
        if keyless and not is_loopback(host):
            raise CannotStartError(
                f"without a key it may only listen on 127.0.0.1, not on {host}; make one with "
                "medtune keys create --scope admin, or set MEDTUNE_ADMIN_KEY"
            )
        app = create_app(settings, None if jobs else ())
        if keyless:
            log.warning("no_keys", lets_in="whoever is on this machine")
        stopping = app.state.platform.stopping
        end_on_signals(stopping, settings.shutdown_seconds)
        if not await serve_until(
            stopping,
            app,
            host=host,
            port=port,
            shutdown_seconds=settings.shutdown_seconds,
            slow_client_seconds=settings.slow_client_seconds,
        ):
            raise SystemExit(3)  # the log says why

    _run(run)


def work(settings: Settings, queues: Sequence[str], health: tuple[str, int] | None) -> None:
    """Run the jobs of these queues (names or groups; all if there is none) until told to end.

    `health` is the host and the port to answer probes on. Raises CannotStartError.
    """
    configure_logs(settings.log_level)
    if not settings.shared:
        raise CannotStartError(
            "workers share their jobs over PostgreSQL; set MEDTUNE_DATABASE_URL (on SQLite, "
            "medtune serve runs all jobs)"
        )

    async def run() -> None:
        await _check(settings)
        platform, backends = create_parts(settings)
        try:
            listen = chosen(queues, create_queues(settings, backends))
        except ValueError as error:
            raise CannotStartError(str(error)) from None
        end_on_signals(platform.stopping, settings.shutdown_seconds)
        async with running(platform, backends, listen):
            if health is None:
                await platform.stopping.wait()
                return
            app = health_app(platform, backends)
            host, port = health
            await serve_until(
                platform.stopping,
                app,
                host=host,
                port=port,
                shutdown_seconds=1,
                slow_client_seconds=settings.slow_client_seconds,
            )

    _run(run)


async def _has_keys(settings: Settings) -> bool:
    """Whether callers will need a key."""
    database = Database(settings.sqlalchemy_url)
    try:
        await bring_up_to_date(settings, database)
        return not await Doorkeeper(settings, database).keyless()
    finally:
        await database.close()


def health_app(platform: Platform, backends: Backends) -> FastAPI:
    """What a worker answers: probes and its numbers."""
    app = FastAPI(title="Medtune worker", telemetry=FASTAPI_TELLS_NOTHING, openapi_url=None)
    app.state.platform, app.state.backends = platform, backends
    app.include_router(probes.router)
    app.include_router(metrics_page.router)
    problem_json.install(app)
    app.add_middleware(
        RequestContext,
        limit=lambda _scope: 0,
        entrance=OpenEntrance(),
        telemetry=platform.telemetry,
    )
    return app


def _run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())
    except TelemetryMissingError as error:
        raise CannotStartError(str(error)) from None
    end_now(0)  # all is closed


async def _check(settings: Settings) -> None:
    """Raises CannotStartError for what an operator can mend."""
    try:
        check_keys(settings)
        if settings.encryption_keys:
            make_plain_folder(settings)
    except EncryptionError as error:
        raise CannotStartError(str(error)) from None
    if not settings.shared:
        try:
            # The service takes it for good; here it is only told apart.
            with folder_lock(settings.data_dir):
                database = Database(settings.sqlalchemy_url)
                newer = await database.is_newer()
                await database.close()
        except FolderInUseError as error:
            raise CannotStartError(str(error)) from None
        if newer:
            raise CannotStartError(
                "the data folder is of a newer release; to go back, restore its backup"
            )
        return
    database = Database(settings.sqlalchemy_url)
    try:
        if await database.is_behind():
            raise CannotStartError(
                "the database has an older schema than this program; run medtune migrate"
            )
    except AWAY as error:
        raise CannotStartError(
            f"the database of MEDTUNE_DATABASE_URL does not answer ({type(error).__name__})"
        ) from None
    finally:
        await database.close()
