"""Deletes what ended longer ago than the settings say that it is kept, each thing as its room does.

It belongs to the composition root, for it knows all rooms. Nothing that something else was built
from is deleted: a dataset stays with its training files, and a training file with its model.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select

from app.datasets.service import Datasets
from app.evaluations.service import Evaluations
from app.extraction_batches.service import ExtractionBatches
from app.platform.clock import now
from app.platform.database import REFUSALS
from app.platform.errors import ApiError
from app.platform.lineage import Lineage
from app.platform.settings import Settings
from app.platform.work import Platform, Work
from app.tables import DatasetRow, EvaluationRow, ExtractionBatchRow, TrainingFileRow
from app.training_files.service import TrainingFiles

log = structlog.get_logger(__name__)

_PAGE = 100
# It is needed still, or another process was faster.
_STAYS = frozenset({"in_use", "conflict", "not_found"})


@dataclass(frozen=True)
class Kept:
    """Rows of a table are kept so many days after `finished_at`; None: for ever."""

    table: Any
    days: float | None
    delete: Callable[[Work, str], Awaitable[None]]


def _kept(settings: Settings, lineage: Lineage) -> Sequence[Kept]:
    async def batch(work: Work, row_id: str) -> None:
        await ExtractionBatches(work).delete(row_id)

    async def evaluation(work: Work, row_id: str) -> None:
        await Evaluations(work).delete(row_id)

    async def training_file(work: Work, row_id: str) -> None:
        await TrainingFiles(work).delete(row_id, lineage, cascade=False)

    async def dataset(work: Work, row_id: str) -> None:
        await Datasets(work).delete(row_id, lineage, cascade=False)

    # What is built from something before what it is built from.
    return [
        Kept(ExtractionBatchRow, settings.keep_batches_days, batch),
        Kept(EvaluationRow, settings.keep_evaluations_days, evaluation),
        Kept(TrainingFileRow, settings.keep_datasets_days, training_file),
        Kept(DatasetRow, settings.keep_datasets_days, dataset),
    ]


async def delete_expired(platform: Platform, lineage: Lineage) -> None:
    """Delete all that has expired, each in a transaction of its own, with its bytes.

    Any number of processes may do it at once.
    """
    deleted = 0
    for kept in _kept(platform.settings, lineage):
        if kept.days is None:
            continue
        before = now() - timedelta(days=kept.days)
        async for row_id in _ended(platform, kept.table, before):
            try:
                async with platform.acting_for(row_id), platform.work(write=True) as work:
                    await kept.delete(work, row_id)
                deleted += 1
            except ApiError as error:
                if error.code not in _STAYS:
                    raise
            except REFUSALS:
                pass  # something refers to it since it was looked at
    if deleted:
        log.info("expired_deleted", rows=deleted)
    await platform.database.overwrite_deleted()


async def _ended(platform: Platform, table: Any, before: datetime) -> AsyncIterator[str]:
    """Ids of the rows of all workspaces that ended before this, page by page."""
    last = ""
    while True:
        query = select(table.id).where(table.finished_at < before, table.id > last)
        async with platform.work(write=False) as work:
            ids = (await work.session.scalars(query.order_by(table.id).limit(_PAGE))).all()
        for row_id in ids:
            yield row_id
        if len(ids) < _PAGE:
            return
        last = ids[-1]
