"""How many jobs of a workspace may be under way at once, whatever kind they are of.

Every service calls `check_room` before it registers a job, in the same transaction and before it
locks any row: who comes later waits here, and then counts what was registered before.
"""

from typing import Any

from sqlalchemy import func, select

from app.platform.errors import ApiError
from app.platform.work import Work
from app.tables import (
    DatasetRow,
    EvaluationRow,
    ExtractionBatchRow,
    FineTuneRow,
    TrainingFileRow,
    VocabularyRow,
)

# Shards and notifications are parts of these.
TABLES: tuple[Any, ...] = (
    DatasetRow,
    TrainingFileRow,
    VocabularyRow,
    FineTuneRow,
    EvaluationRow,
    ExtractionBatchRow,
)
# By status and not by the time of their end, since that has no index.
STATUSES = (
    "validating",
    "building",
    "queued",
    "preparing",
    "training",
    "running",
    "cancelling",
)
_RETRY_AFTER_SECONDS = 30


async def check_room(work: Work) -> None:
    """See that there is room for one job more. Raises ApiError `too_many_jobs`."""
    await work.one_at_a_time(f"jobs of {work.principal.workspace}")
    counts = [
        select(func.count()).select_from(table).where(table.status.in_(STATUSES)).scalar_subquery()
        for table in TABLES
    ]
    unfinished = sum((await work.session.execute(select(*counts))).one())
    most = work.settings.max_unfinished_jobs
    if unfinished >= most:
        raise ApiError(
            "too_many_jobs",
            f"{unfinished} jobs have not ended, and {most} may be under way at once.",
            retry_after=_RETRY_AFTER_SECONDS,
        )
