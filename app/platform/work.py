"""The unit of work: one transaction, and what is to happen once it is committed.

Services get a `Work` and never commit. The one place that commits is `Platform.work`: an HTTP
request uses it through a dependency, a job step directly.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.platform.blobs import Blobs
from app.platform.database import Database
from app.platform.jobs import Jobs
from app.platform.settings import Settings

log = structlog.get_logger(__name__)

AfterCommit = Callable[[], Awaitable[None]]


@dataclass
class Work:
    """One transaction. `session` belongs to repositories; services use the rest."""

    session: AsyncSession
    settings: Settings
    blobs: Blobs
    _after_commit: list[AfterCommit] = field(default_factory=list)
    _jobs: Jobs | None = None

    def after_commit(self, action: AfterCommit) -> None:
        """Do this once the transaction is committed; not at all if it is rolled back."""
        self._after_commit.append(action)

    def start_job(self, kind: str, row_id: str) -> None:
        """Start the row's job once the row is committed."""
        if (jobs := self._jobs) is not None:
            self.after_commit(lambda: jobs.start(kind, row_id))


@dataclass(frozen=True)
class Platform:
    """What every room stands on: settings, database, blobs, jobs."""

    settings: Settings
    database: Database
    blobs: Blobs
    jobs: Jobs

    @asynccontextmanager
    async def work(self, *, write: bool) -> AsyncIterator[Work]:
        """A transaction that is committed at the end of the block, then acted upon."""
        async with self.database.transaction(write=write) as session:
            work = Work(session, self.settings, self.blobs, _jobs=self.jobs)
            yield work
        for action in work._after_commit:
            try:
                await action()
            except Exception:
                # The row is committed, so the client must not be told otherwise: the sweep of
                # the job engine starts what is left unstarted here.
                log.exception("after_commit_failed")
