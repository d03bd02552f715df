"""The job engine: long work as durable workflows, on DBOS.

A job is a list of idempotent steps over one row; the workflow's id is the row's id, so starting
a job twice runs it once. Jobs wait in queues; a process runs those of the queues it listens to, or
none. A step that was cut off runs again, in the next process or in another one. Whatever a step
raises ends the job through its kind's `fail` (and should that raise too, the sweep calls it again).
DBOS keeps no text: arguments are ids.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from math import ceil

import structlog
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, WorkflowStatus
from sqlalchemy.exc import SQLAlchemyError

from app.platform.chores import for_ever
from app.platform.database import AWAY
from app.platform.job_kinds import STEPS_VERSION, JobError, JobInterruptedError, JobKind
from app.platform.job_store import (
    APPLICATION,
    UNENDED,
    WORKFLOW,
    JobStore,
    create_jobs_engine,
    migrate_jobs,
)
from app.platform.logs import quieten
from app.platform.queues import Queue, poll_seconds
from app.platform.row_owners import ActingFor
from app.platform.steps import Steps, patiently
from app.platform.telemetry import Telemetry
from app.platform.workers import Workers, new_executor

__all__ = ["JobError", "JobKind", "Jobs", "patiently"]

log = structlog.get_logger(__name__)

_SWEEP_SECONDS = 60.0
_HOUSEKEEPING_SECONDS = 5.0
_LAST_WORDS_SECONDS = 1.0  # until the engine has written down how a job ended


class Jobs:
    """Starts jobs of the defined kinds, and runs them on the event loop that called `open`.

    `acting_for` is how one acts for the workspace of a row. `executor` names this process to the
    engine, unlike all that ever were. Without `workers` it is
    the only one on its database. `patience_seconds` is how long a job waits for a database that is
    away, `shutdown_seconds` how long `close` waits for steps.
    """

    def __init__(
        self,
        url: str,
        *,
        queues: Mapping[str, Queue],
        acting_for: ActingFor,
        executor: str | None = None,
        workers: Workers | None = None,
        telemetry: Telemetry | None = None,
        patience_seconds: float = 600,
        shutdown_seconds: float = 0,
    ) -> None:
        self.queues = queues
        self.workers = workers
        self._url = url
        self._executor = executor or new_executor(None)
        self._shutdown_seconds = shutdown_seconds
        self._engine = create_jobs_engine(url)
        self._store = JobStore(self._engine)
        self._kinds: dict[str, JobKind] = {}
        self._telemetry = telemetry or Telemetry()
        self._acting_for = acting_for
        self._steps = Steps(patience_seconds, acting_for, self._telemetry)
        self._tasks: list[asyncio.Task[None]] = []
        self._taken: set[str] = set()  # jobs that this process runs
        self._last_end = -_LAST_WORDS_SECONDS
        self._runs = False
        self._closing: asyncio.Task[None] | None = None

    def define(self, kind: JobKind) -> None:
        """Make a kind of job known; before `open`."""
        self._kinds[kind.name] = kind

    async def open(self, listen: Collection[str] | None = None) -> None:
        """Run the jobs of these queues, or of all; first those that were cut off.

        Without it, jobs can be started, for other processes to run.
        """
        self._steps.begin()
        listening = [name for name in self.queues if listen is None or name in listen]
        if self.workers is not None:
            await self.workers.enter(listening)
        await asyncio.to_thread(self._launch, listening)
        self._runs = True
        if self.workers is None:
            await self._store.give_back(
                [job for job in await self._store.running() if job.executor_id != self._executor]
            )
            await self._store.forget(await self._store.of_other_versions())
        pause = self.workers.beat_seconds if self.workers else _HOUSEKEEPING_SECONDS
        self._tasks = [
            asyncio.create_task(for_ever("keep_house", self._keep_house, pause)),
            asyncio.create_task(for_ever("sweep", self.sweep, _SWEEP_SECONDS)),
        ]

    def _launch(self, listening: list[str]) -> None:
        def job(kind: str, row_id: str) -> None:
            self._run(kind, row_id)

        config = DBOSConfig(
            name=APPLICATION,
            system_database_engine=self._engine,
            application_version=STEPS_VERSION,
            executor_id=self._executor,
            log_level="WARNING",
            serializer=DBOSPortableJSONSerializer(),
            notification_listener_polling_interval_sec=1.0,
        )
        DBOS.destroy(destroy_registry=True)
        quieten("dbos")  # it says of each look at each queue that the database is away
        DBOS(config=config)
        DBOS.workflow(name=WORKFLOW, max_recovery_attempts=1_000_000)(job)
        DBOS.listen_queues(listening)
        DBOS.launch()
        for name in listening:
            queue = self.queues[name]
            everywhere = queue.everywhere
            DBOS.register_queue(
                name,
                worker_concurrency=queue.here
                if everywhere is None
                else min(queue.here, everywhere),
                global_concurrency=everywhere,
                limiter={"limit": queue.per_minute, "period": 60} if queue.per_minute else None,
                polling_interval_sec=poll_seconds(name, shared=self.workers is not None),
                on_conflict="always_update",
            )

    async def migrate(self) -> None:
        """Bring the engine's own tables to its newest schema; `open` does, too."""
        await asyncio.to_thread(migrate_jobs, self._url)

    async def start(self, kind: str, row_id: str) -> None:
        """Start the job of a committed row. Safe to repeat."""
        queue = self._kinds[kind].queue
        name = queue if isinstance(queue, str) else await queue(row_id)
        await self._store.add(name, kind, row_id, self._telemetry.tracing.to_keep())

    async def close(self) -> None:
        """Take no more jobs; let steps end in the time given for it; give back what is left.

        Safe to repeat: who asks again waits for the end of it.
        """
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        self._steps.stop()
        if self._runs:
            # The engine stops taking jobs at once, and looks every second whether all have ended;
            # the last of its patience is for those that we cut off, and for their last words.
            just_now = time.monotonic() - self._last_end < _LAST_WORDS_SECONDS
            patience = ceil(self._shutdown_seconds) + 5 if self._taken or just_now else 0
            ending = asyncio.create_task(_end_engine(patience))
            await self._steps.ended(self._shutdown_seconds)
            self._steps.cut_off()
            # Each gives its connection back while the pool is there.
            await self._steps.ended()
            await ending
        for task in self._tasks:  # until now this process was to be seen alive
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self._runs:
            try:
                await self._give_back_all()
            except AWAY as error:
                log.warning("jobs_not_given_back", error=type(error).__name__)
        if self.workers is not None:
            await self.workers.close()
        self._store.close()
        await asyncio.to_thread(self._engine.dispose)

    async def _give_back_all(self) -> None:
        await self._store.give_back(await self._mine())
        if self.workers is not None:
            await self.workers.leave()

    async def _mine(self) -> list[WorkflowStatus]:
        return [job for job in await self._store.running() if job.executor_id == self._executor]

    async def depths(self) -> Counter[tuple[str | None, str]]:
        """How many jobs are `waiting` and `running`, by queue, in all processes together."""
        return await self._store.depths()

    async def ping(self) -> None:
        """Raise if the engine's database does not answer."""
        await self._store.find("no such job")

    async def forget_ended(self, before: datetime) -> None:
        """Remove what the engine remembers of jobs that ended before a moment."""
        while jobs := await self._store.ended(before):
            await self._store.forget(jobs)

    async def sweep(self) -> None:
        """Start jobs that a crash left unstarted; fail those whose workflow ended without them."""
        for kind in self._kinds.values():
            for row_id in await kind.unfinished():
                try:
                    await self._look_after(kind, row_id)
                except Exception:
                    log.exception("sweep_failed", kind=kind.name, id=row_id)

    async def _look_after(self, kind: JobKind, row_id: str) -> None:
        job = await self._store.find(row_id)
        if job is None:
            await self.start(kind.name, row_id)
        elif job.status not in UNENDED:
            log.error("job_lost", kind=kind.name, id=row_id, status=job.status)
            async with self._acting_for(row_id):
                await kind.fail(row_id, "internal_error", "The job ended without a result.")
        elif job.queue_name not in self.queues:
            # Its backend was taken out of the settings: of ours, or of whoever started it.
            log.warning("job_waits_in_unknown_queue", id=row_id, queue=job.queue_name)

    async def _keep_house(self) -> None:
        """Say that we live, give back what we could not do, and look after those who do not."""
        if self.workers is not None and not await self.workers.beat():
            log.warning("taken_for_dead")
            self._steps.cut_off()
        given_up = set(self._steps.given_up)
        if given_up:
            mine = await self._mine()  # others may run by now what was cut off
            await self._store.give_back([job for job in mine if job.workflow_id in given_up])
            self._steps.given_up -= given_up
        if self.workers is not None and await self.workers.look_after_the_lost(self._store):
            await self.sweep()

    def _run(self, kind_name: str, row_id: str) -> None:
        """The one workflow; runs in a thread of DBOS and hands each step to the event loop."""
        kind = self._kinds[kind_name]
        self._taken.add(row_id)
        try:
            with self._telemetry.job(kind_name, row_id, self._trace_of(row_id)):
                self._run_steps(kind, row_id)
        except SQLAlchemyError as error:
            # DBOS waits for its database, but not whatever is wrong with it; the job is not lost.
            log.error("job_given_up", id=row_id, error=type(error).__name__)  # noqa: TRY400
            self._steps.given_up.add(row_id)
            raise JobInterruptedError from None
        finally:
            self._taken.discard(row_id)
            self._last_end = time.monotonic()

    def _trace_of(self, row_id: str) -> str | None:
        with contextlib.suppress(*AWAY):
            return self._store.trace_of(row_id) if self._telemetry.traces else None
        return None

    def _run_steps(self, kind: JobKind, row_id: str) -> None:
        for step in kind.steps:
            error = DBOS.run_step({"name": step.__name__}, self._steps.run, step, row_id, kind.name)
            if error is not None:

                async def fail(failed: str, error: list[str] = error) -> None:
                    await kind.fail(failed, *error)

                DBOS.run_step({"name": "fail"}, self._steps.run, fail, row_id, kind.name)
                return


async def _end_engine(patience_seconds: int) -> None:
    await asyncio.to_thread(
        DBOS.destroy, destroy_registry=True, workflow_completion_timeout_sec=patience_seconds
    )
