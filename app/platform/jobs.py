"""The job engine: long work as durable workflows, on DBOS. The only file that imports it.

A job is a list of idempotent steps over one row; the workflow's id is the row's id, so starting
a job twice runs it once. A step that was cut off by the end of the process runs again when the
next process starts. Whatever a step raises ends the job through its kind's `fail` (and should that
raise too, the sweep calls it again); only the end of the process leaves a job pending. DBOS keeps
no text: arguments are ids.
"""

import asyncio
import concurrent.futures
import contextlib
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID

from app.platform.database import AWAY

log = structlog.get_logger(__name__)

# Workflows are bound to the version they started under: it changes only when the steps of a job
# change in such a way that a running one cannot be taken over.
STEPS_VERSION = "1"

_SWEEP_SECONDS = 60.0
_DATABASE_RETRIES = 6
_PAUSE_SECONDS = 1.0  # the first one; each is twice as long as the one before

Answer = TypeVar("Answer")


class JobError(Exception):
    """A step cannot succeed; `code` and `message` are what clients see, and hold no text."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class JobInterruptedError(BaseException):
    """This process is ending: not an Exception, so that DBOS leaves the workflow pending."""


class _Connection(sqlite3.Connection):
    """From Python 3.12 on DBOS asks for `unixepoch('subsec')`, which only SQLite 3.42 brought."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if sqlite3.sqlite_version_info < (3, 42):
            self.create_function("unixepoch", 1, lambda _subsec: time.time())


@dataclass(frozen=True)
class JobKind:
    """One kind of job: its steps in order, how it fails, and which rows are not done yet.

    `queue` is where its jobs wait: one for all, or as it says for each row.
    """

    name: str
    queue: str | Callable[[str], Awaitable[str]]
    steps: Sequence[Callable[[str], Awaitable[None]]]
    fail: Callable[[str, str, str], Awaitable[None]]
    unfinished: Callable[[], Awaitable[Sequence[str]]]


class Jobs:
    """Runs jobs of the defined kinds. Steps run on the event loop that called `open`."""

    def __init__(self, url: str, *, queues: dict[str, int], executor: str = "local") -> None:
        """`queues` maps each queue to how many of its jobs this process runs at a time."""
        on_sqlite = {"connect_args": {"factory": _Connection}}
        self._config = DBOSConfig(
            name="medtune",
            system_database_url=url,
            application_version=STEPS_VERSION,
            executor_id=executor,
            log_level="WARNING",
            serializer=DBOSPortableJSONSerializer(),
            db_engine_kwargs=on_sqlite if url.startswith("sqlite") else {},
            notification_listener_polling_interval_sec=1.0,
        )
        self._queues = queues
        self._kinds: dict[str, JobKind] = {}
        self._running: set[asyncio.Task[Any]] = set()  # touched on the event loop alone
        self._closing = False
        self._sweeper: asyncio.Task[None] | None = None

    def define(self, kind: JobKind) -> None:
        """Make a kind of job known; before `open`."""
        self._kinds[kind.name] = kind

    async def open(self) -> None:
        """Start the engine: recover what an earlier process left, then take new jobs."""
        self._loop = asyncio.get_running_loop()

        def job(kind: str, row_id: str) -> None:
            self._run(kind, row_id)

        def launch() -> None:
            DBOS.destroy(destroy_registry=True)
            DBOS(config=self._config)
            self._workflow = DBOS.workflow(name="job", max_recovery_attempts=1_000_000)(job)
            DBOS.launch()
            for name, at_once in self._queues.items():
                DBOS.register_queue(
                    name,
                    worker_concurrency=at_once,
                    polling_interval_sec=0.2,
                    on_conflict="always_update",
                )

        await asyncio.to_thread(launch)
        self._sweeper = asyncio.create_task(self._sweep_for_ever())

    async def start(self, kind: str, row_id: str) -> None:
        """Start the job of a committed row. Safe to repeat."""
        queue = self._kinds[kind].queue
        if not isinstance(queue, str):
            queue = await queue(row_id)

        def enqueue() -> None:
            with SetWorkflowID(row_id):
                DBOS.enqueue_workflow(queue, self._workflow, kind, row_id)

        await asyncio.to_thread(enqueue)

    async def close(self) -> None:
        """Stop taking work; what runs lets go of all it holds and is left to the next process."""
        self._closing = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
        for task in self._running:
            task.cancel()
        # Each rolls back what it was at, and gives its connection back while the pool is there.
        await asyncio.gather(*self._running, return_exceptions=True)
        await asyncio.to_thread(DBOS.destroy, destroy_registry=True)

    async def ping(self) -> None:
        """Raise if the engine's database does not answer."""
        await asyncio.to_thread(DBOS.get_workflow_status, "no such job")

    async def sweep(self) -> None:
        """Start jobs that a crash left unstarted; fail those whose workflow ended without them."""
        for kind in self._kinds.values():
            for row_id in await kind.unfinished():
                try:
                    await self._look_after(kind, row_id)
                except Exception:
                    log.exception("sweep_failed", kind=kind.name, id=row_id)

    async def _look_after(self, kind: JobKind, row_id: str) -> None:
        status = await asyncio.to_thread(DBOS.get_workflow_status, row_id)
        if status is None:
            await self.start(kind.name, row_id)
        elif status.status not in ("PENDING", "ENQUEUED", "DELAYED"):
            log.error("job_lost", kind=kind.name, id=row_id, status=status.status)
            await kind.fail(row_id, "internal_error", "The job ended without a result.")

    async def _sweep_for_ever(self) -> None:
        while True:
            try:
                await self.sweep()
            except Exception:
                log.exception("sweep_failed")
            await asyncio.sleep(_SWEEP_SECONDS)

    def _run(self, kind_name: str, row_id: str) -> None:
        """The one workflow; runs in a thread of DBOS and hands each step to the event loop."""
        kind = self._kinds[kind_name]
        for step in kind.steps:
            error = DBOS.run_step({"name": step.__name__}, self._on_loop, step, row_id)
            if error is not None:

                async def fail(failed: str, error: list[str] = error) -> None:
                    await kind.fail(failed, *error)

                DBOS.run_step({"name": "fail"}, self._on_loop, fail, row_id)
                return

    def _on_loop(self, step: Callable[[str], Awaitable[None]], row_id: str) -> list[str] | None:
        """Run one step to its end; gives [code, message] if it failed."""
        if self._closing:
            raise JobInterruptedError
        future = asyncio.run_coroutine_threadsafe(self._held(step, row_id), self._loop)
        try:
            return list(future.result()) or None
        except concurrent.futures.CancelledError:
            raise JobInterruptedError from None

    async def _held(self, step: Callable[[str], Awaitable[None]], row_id: str) -> Sequence[str]:
        """Run one step where `close` finds it, unless that has looked already."""
        if self._closing:
            raise JobInterruptedError
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            return await self._attempt(step, row_id)
        finally:
            self._running.discard(task)

    async def _attempt(self, step: Callable[[str], Awaitable[None]], row_id: str) -> Sequence[str]:
        """Run one step; a database that is away for a moment is waited for."""
        try:
            await waiting_for_database(lambda: step(row_id), row_id)
        except JobError as error:
            return error.code, error.message
        except AWAY:
            return "internal_error", "The database did not answer."
        except Exception:
            log.exception("job_step_broke", id=row_id, step=step.__name__)
            return "internal_error", "Something broke on our side; the log has the cause."
        return ()


async def waiting_for_database(action: Callable[[], Awaitable[Answer]], row_id: str) -> Answer:
    """Do it, and again while the database is away for a moment. Raises one of AWAY in the end."""
    for attempt in range(_DATABASE_RETRIES - 1):
        try:
            return await action()
        except AWAY as error:
            log.warning("job_database_away", id=row_id, error=type(error).__name__)
        await asyncio.sleep(_PAUSE_SECONDS * 2**attempt)
    return await action()
