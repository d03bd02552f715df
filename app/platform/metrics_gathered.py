"""Numbers that are looked up for each scrape: rows not ended, depths of queues, living processes.

They are the whole service's, whichever process is asked. What does not answer in time is left out
and counted.
"""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import product

import structlog
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import func, literal, select, union_all

from app.platform.patience import within
from app.platform.work import Platform
from app.tables import (
    DatasetRow,
    EvaluationRow,
    ExtractionBatchRow,
    ExtractionShardRow,
    FineTuneRow,
    NotificationAttemptRow,
    TrainingFileRow,
    VocabularyRow,
)

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 2.0
# The states that are not final, by kind of job.
UNENDED = {
    "dataset": (DatasetRow.status, ("validating",)),
    "vocabulary": (VocabularyRow.status, ("building",)),
    "training_file": (TrainingFileRow.status, ("building",)),
    "fine_tune": (FineTuneRow.status, ("queued", "preparing", "training", "cancelling")),
    "evaluation": (EvaluationRow.status, ("queued", "running")),
    "extraction_batch": (
        ExtractionBatchRow.status,
        ("queued", "preparing", "running", "cancelling"),
    ),
    "extraction_shard": (ExtractionShardRow.status, ("waiting", "queued", "running")),
    "notification_attempt": (NotificationAttemptRow.status, ("waiting",)),
}


async def gather(platform: Platform) -> list[Metric]:
    """What could be had of it, all at once and each within `PATIENCE_SECONDS`."""
    sources: dict[str, Callable[[Platform], Awaitable[Metric]]] = {
        "database": _rows,
        "jobs": _queues,
        "workers": _workers,
    }
    found = await asyncio.gather(*(_in_time(platform, *each) for each in sources.items()))
    return [metric for metric in found if metric is not None]


async def _in_time(
    platform: Platform, source: str, ask: Callable[[Platform], Awaitable[Metric]]
) -> Metric | None:
    try:
        return await within(PATIENCE_SECONDS, lambda: ask(platform))
    except Exception as error:
        log.warning("scrape_incomplete", source=source, cause=type(error).__name__)
        platform.telemetry.metrics.scrape_failed(source)
        return None


async def _rows(platform: Platform) -> Metric:
    counts = {
        kind: select(literal(kind), status, func.count()).where(status.in_(states)).group_by(status)
        for kind, (status, states) in UNENDED.items()
    }
    # There may be very many, and their index begins with the batch.
    batch_status, unended = UNENDED["extraction_batch"]
    batches = select(ExtractionBatchRow.id).where(batch_status.in_(unended))
    shards = counts["extraction_shard"]
    counts["extraction_shard"] = shards.where(ExtractionShardRow.batch_id.in_(batches))
    async with platform.database.transaction(write=False) as session:
        rows = (await session.execute(union_all(*counts.values()))).all()
    found = {(kind, state): count for kind, state, count in rows}
    metric = GaugeMetricFamily(
        "medtune_jobs", "Rows whose job has not ended.", labels=["kind", "state"]
    )
    for kind, (_, states) in UNENDED.items():
        for state in states:
            metric.add_metric([kind, state], found.get((kind, state), 0))
    return metric


async def _queues(platform: Platform) -> Metric:
    found = await platform.jobs.depths()
    metric = GaugeMetricFamily(
        "medtune_queue_jobs", "Jobs in the queues.", labels=["queue", "state"]
    )
    for queue, state in product(platform.jobs.queues, ("waiting", "running")):
        metric.add_metric([queue, state], found[queue, state])
    return metric


async def _workers(platform: Platform) -> Metric:
    workers = platform.jobs.workers
    living = 1 if workers is None else await workers.count()
    return GaugeMetricFamily("medtune_workers", "Processes alive that run jobs.", value=living)
