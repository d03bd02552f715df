"""The unit of work: one transaction, and what is to happen once it is committed.

Services get a `Work` and never commit. The one place that commits is `Platform.work`: an HTTP
request uses it through a dependency, a job step directly.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from anyio import CapacityLimiter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.platform import audit
from app.platform.access import Principal, who_acts
from app.platform.blobs import Blobs
from app.platform.database import Database
from app.platform.jobs import Jobs
from app.platform.metrics import Metrics
from app.platform.row_owners import row_owners
from app.platform.settings import Settings
from app.platform.telemetry import Telemetry

log = structlog.get_logger(__name__)

AfterCommit = Callable[[], Awaitable[None]]


@dataclass
class Work:
    """One transaction. `session` belongs to repositories; services use the rest.

    `principal` is who acts, and whose workspace the session is of.
    """

    session: AsyncSession
    principal: Principal
    settings: Settings
    blobs: Blobs
    jobs: Jobs
    telemetry: Telemetry
    _after_commit: list[AfterCommit] = field(default_factory=list)

    async def one_at_a_time(self, name: str) -> None:
        """Wait until no other transaction holds this name; hold it to the end of this one.

        On SQLite there is one writer at a time anyway.
        """
        connection = await self.session.connection()
        if connection.dialect.name == "postgresql":
            await self.session.execute(
                text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name}
            )

    def after_commit(self, action: AfterCommit) -> None:
        """Do this once the transaction is committed; not at all if it is rolled back."""
        self._after_commit.append(action)

    def count(self, tell: Callable[[Metrics], None]) -> None:
        """Count this once the transaction is committed."""

        async def counted() -> None:
            tell(self.telemetry.metrics)

        self.after_commit(counted)

    def start_job(self, kind: str, row_id: str) -> None:
        """Start the row's job once the row is committed."""
        self.after_commit(lambda: self.jobs.start(kind, row_id))


@dataclass(frozen=True)
class Platform:
    """What every room stands on: settings, database, blobs, jobs, telemetry, a few threads.

    `scratch` is a folder of this process alone: what lies there is not there for the next step of a
    job. `stopping` is set when this process has been told to end: long answers come to an end.
    """

    settings: Settings
    database: Database
    blobs: Blobs
    jobs: Jobs
    scratch: Path
    telemetry: Telemetry = field(default_factory=Telemetry)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    # For work that holds a thread for long: it must not take all of them from the short work.
    heavy: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(2))

    def acting_for(self, row_id: str) -> AbstractAsyncContextManager[None]:
        """A block in which one acts for the workspace of a row, as jobs do."""
        return row_owners(self.database)(row_id)

    @asynccontextmanager
    async def work(self, *, write: bool) -> AsyncIterator[Work]:
        """A transaction that is committed at the end of the block, then acted upon.

        It is of the workspace of whoever acts. Raises NobodyError if nobody does.
        """
        principal = who_acts()
        async with self.database.transaction(write=write, workspace=principal.workspace) as session:
            audit.watch(session, principal)
            work = Work(session, principal, self.settings, self.blobs, self.jobs, self.telemetry)
            yield work
        for action in work._after_commit:
            try:
                await action()
            except Exception:
                # The row is committed, so the client must not be told otherwise: the sweep of
                # the job engine starts what is left unstarted, the start-up removes what is
                # left undeleted.
                log.exception("after_commit_failed")
