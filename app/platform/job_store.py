"""Jobs as the engine's database has them: to be added, looked up and given back by any process.

It runs none. Whoever calls gets what the database raises at once (see `AWAY`), and may wait.
"""

import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any

from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, EnqueueOptions, WorkflowStatus
from sqlalchemy import Engine, create_engine, event

from app.platform.engines import POSTGRES_CONNECTION, POSTGRES_POOL
from app.platform.job_kinds import STEPS_VERSION

APPLICATION = "medtune"
WORKFLOW = "job"  # the one workflow; its arguments are a kind of job and a row's id

_WAITING, _RUNNING = ("ENQUEUED", "DELAYED"), "PENDING"
UNENDED = (*_WAITING, _RUNNING)
_PAGE = 500
_TRACE = "traceparent"


class _Connection(sqlite3.Connection):
    """From Python 3.12 on DBOS asks for `unixepoch('subsec')`, which only SQLite 3.42 brought."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if sqlite3.sqlite_version_info < (3, 42):
            self.create_function("unixepoch", 1, lambda _subsec: time.time())


def _configure_sqlite(connection: Any, _record: object) -> None:
    # As DBOS configures engines of its own: writers wait for one another.
    connection.isolation_level = "IMMEDIATE"
    connection.execute("PRAGMA busy_timeout=30000")
    connection.execute("PRAGMA foreign_keys=ON")


def create_jobs_engine(url: str) -> Engine:
    """Connections to the engine's database, for DBOS and for what we ask it ourselves."""
    if url.startswith("sqlite"):
        engine = create_engine(url, connect_args={"factory": _Connection}, hide_parameters=True)
        event.listen(engine, "connect", _configure_sqlite)
        return engine
    limits = {"options": "-c idle_in_transaction_session_timeout=60000"}  # in milliseconds
    connect = {**POSTGRES_CONNECTION, **limits}
    return create_engine(url, hide_parameters=True, connect_args=connect, **POSTGRES_POOL)


class JobStore:
    """A job's id is its row's. Every method is safe to repeat."""

    def __init__(self, engine: Engine) -> None:
        self._client = DBOSClient(
            system_database_engine=engine,
            serializer=DBOSPortableJSONSerializer(),
            application_name=APPLICATION,
            lazy=True,
            retry_connection_errors=False,
        )

    async def add(self, queue: str, kind: str, row_id: str, trace: str | None = None) -> None:
        """Put a job into a queue, unless it is known already; `trace` is kept with it."""
        options: EnqueueOptions = {
            "workflow_name": WORKFLOW,
            "queue_name": queue,
            "workflow_id": row_id,
            "app_version": STEPS_VERSION,
        }
        if trace is not None:
            options["attributes"] = {_TRACE: trace}
        await self._client.enqueue_async(options, kind, row_id)

    def trace_of(self, row_id: str) -> str | None:
        """What was kept with a job; for threads of the engine."""
        jobs = self._client.list_workflows(
            workflow_ids=[row_id], load_input=False, load_output=False
        )
        return (jobs[0].attributes or {}).get(_TRACE) if jobs else None

    async def depths(self) -> Counter[tuple[str | None, str]]:
        """How many jobs are `waiting` and `running`, by queue."""
        jobs = await self._list(status=list(UNENDED))
        return Counter(
            (job.queue_name, "running" if job.status == _RUNNING else "waiting") for job in jobs
        )

    async def find(self, row_id: str) -> WorkflowStatus | None:
        """What became of a job (its status is one of UNENDED while it has not ended), if known."""
        found = await self._list(workflow_ids=[row_id])
        return found[0] if found else None

    async def ended(self, before: datetime) -> list[WorkflowStatus]:
        """Some of the jobs that ended before a moment, an aware one."""
        return await self._list(completed_before=before.isoformat(), limit=_PAGE)

    async def running(self) -> list[WorkflowStatus]:
        """All jobs that some process, dead or alive, has taken and not ended."""
        return await self._list(status=_RUNNING)

    async def of_other_versions(self) -> list[WorkflowStatus]:
        """Jobs that have not ended, begun under steps of another version than ours."""
        versions = await self._client.list_application_versions_async()
        names = [v["version_name"] for v in versions if v["version_name"] != STEPS_VERSION]
        return await self._list(status=list(UNENDED), app_version=names) if names else []

    async def give_back(self, jobs: Collection[WorkflowStatus]) -> None:
        """Return jobs to the queues they were taken from: whoever held them holds them no more."""
        by_queue = defaultdict[str | None, list[str]](list)
        for job in jobs:
            by_queue[job.queue_name].append(job.workflow_id)
        for queue, ids in by_queue.items():
            await self._client.resume_workflows_async(ids, queue_name=queue)

    async def forget(self, jobs: Collection[WorkflowStatus]) -> None:
        """Remove all that is known of jobs, so that they can begin anew."""
        await self._client.delete_workflows_async([job.workflow_id for job in jobs])

    async def _list(self, **which: Any) -> list[WorkflowStatus]:
        return await self._client.list_workflows_async(**which, load_input=False, load_output=False)

    def close(self) -> None:
        """Let go of it; the connections are the caller's."""
        self._client.destroy()


def migrate_jobs(url: str) -> None:
    """Bring the tables of the engine to its newest schema."""
    DBOS.migrate(url)
