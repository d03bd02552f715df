"""The processes that run jobs on one PostgreSQL: the jobs of those that die go on in the others.

A process writes a row before it takes its first job, and the time into it every few seconds, by the
database's clock. Whose row is too old, or gone, is dead: the others give its jobs back to their
queues and remove the row. One that was only frozen finds that out when it wakes, and drops what it
ran; what it does until then is harmless, since steps lock their rows and may be done twice, and the
engine takes no more results from it.
"""

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Sequence
from datetime import timedelta

import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.platform.clock import now
from app.platform.database import Database
from app.platform.job_kinds import STEPS_VERSION
from app.platform.job_store import JobStore
from app.tables import WorkerRow

log = structlog.get_logger(__name__)

_ONE_JUDGE = 7_202_410_533  # the name, a number, of the lock that a judging process holds


def new_executor(name: str | None) -> str:
    """A name for this process that none had before it; `name` is what it is to begin with."""
    return f"{name or f'{socket.gethostname()}-{os.getpid()}'}-{secrets.token_hex(4)}"


class Workers:
    """This process among those that run jobs; `executor` is its name, unlike all others.

    `database` is for it alone: whoever waits for a connection looks dead.
    """

    def __init__(
        self, database: Database, executor: str, *, beat_seconds: float, lost_seconds: float
    ) -> None:
        self._database = database
        self._executor = executor
        self._lost = timedelta(seconds=lost_seconds)
        self._queues: list[str] = []
        self._steady_since = self._seen = time.monotonic()
        self.beat_seconds = beat_seconds

    async def enter(self, queues: Sequence[str]) -> None:
        """From now on this process lives; before it takes its first job of these queues."""
        self._queues = list(queues)
        row = WorkerRow(
            id=self._executor,
            queues=self._queues,
            steps_version=STEPS_VERSION,
            started_at=now(),
            seen_at=func.clock_timestamp(),
        )
        async with self._database.transaction(write=True) as session:
            session.add(row)
        self._steady_since = self._seen = time.monotonic()

    async def beat(self) -> bool:
        """Say that this process lives; False if it was taken for dead meanwhile, and lives again.

        Raises one of AWAY, or TimeoutError.
        """
        silent = time.monotonic() - self._seen
        try:
            async with asyncio.timeout(self._lost.total_seconds()):
                async with self._database.transaction(write=True) as session:
                    beat = await session.execute(
                        update(WorkerRow)
                        .where(WorkerRow.id == self._executor)
                        .values(seen_at=func.clock_timestamp())
                        .returning(WorkerRow.id)
                    )
                    lives = beat.first() is not None
        except BaseException:
            self._steady_since = time.monotonic()
            raise
        self._seen = time.monotonic()
        if silent > self._lost.total_seconds():
            self._steady_since = self._seen
        if not lives:
            await self.enter(self._queues)
        return lives

    async def leave(self) -> None:
        """This process runs no jobs more, and has none."""
        async with self._database.transaction(write=True) as session:
            await session.execute(delete(WorkerRow).where(WorkerRow.id == self._executor))

    async def look_after_the_lost(self, store: JobStore) -> bool:
        """Give back the jobs of dead processes, and forget jobs that no living one can run.

        True if jobs were forgotten: the sweep finds their rows without one, and starts them anew.

        Any number of processes may do it: one does at a time. A process judges no one unless it
        has itself been seen for as long as makes one lost: else it is the database that was away,
        and the others have not had the time to say that they live.
        """
        if time.monotonic() - self._steady_since < self._lost.total_seconds():
            return False
        async with self._database.transaction(write=True) as session:
            if not await session.scalar(select(func.pg_try_advisory_xact_lock(_ONE_JUDGE))):
                return False
            # Jobs first, processes then: whoever took a job had a row before.
            running = await store.running()
            others = await store.of_other_versions()
            living, dead, versions = await self._living(session)
            lost = [job for job in running if job.executor_id not in living]
            if lost:
                log.warning("lost_jobs_given_back", jobs=len(lost), workers=len(dead))
                await store.give_back(lost)
            orphans = [
                job
                for job in others
                if job.app_version not in versions
                and not (job.status == "PENDING" and job.executor_id in living)
            ]
            if orphans:
                log.warning("jobs_of_other_versions_begun_anew", jobs=len(orphans))
                await store.forget(orphans)
            await session.execute(delete(WorkerRow).where(WorkerRow.id.in_(dead)))
        return bool(orphans)

    async def count(self) -> int:
        """How many processes live."""
        async with self._database.transaction(write=False) as session:
            living, _, _ = await self._living(session)
        return len(living)

    async def _living(self, session: AsyncSession) -> tuple[set[str], list[str], set[str]]:
        """Executors that live, those that are dead, and what versions of steps the living run."""
        silent = WorkerRow.seen_at < func.clock_timestamp() - self._lost
        found = await session.execute(select(WorkerRow.id, WorkerRow.steps_version, silent))
        rows = found.all()
        dead = [executor for executor, _, is_silent in rows if is_silent]
        alive = [(executor, version) for executor, version, is_silent in rows if not is_silent]
        return {e for e, _ in alive}, dead, {v for _, v in alive}

    async def close(self) -> None:
        """Close the database."""
        await self._database.close()
