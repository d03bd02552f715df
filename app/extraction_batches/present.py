"""From the rows of a batch to what clients see: how far it is, how fast, and how long still."""

from collections.abc import Sequence

from app.extraction_batches.schemas import BatchUsage, ExtractionBatch
from app.extraction_batches.states import Status
from app.extractions.service import ExtractionOptions
from app.platform.failures import job_failure
from app.prompts.tasks import Task
from app.tables import ExtractionBatchRow, ExtractionShardRow


def present(row: ExtractionBatchRow, latest: Sequence[ExtractionShardRow]) -> ExtractionBatch:
    """A batch; `latest` are the shards done last, by which its speed is judged."""
    done, speed = row.succeeded + row.failed, rate(latest)
    left = None
    if row.status == Status.RUNNING and row.documents is not None and speed:
        left = round((row.documents - done) / speed, 1)
    return ExtractionBatch(
        id=row.id,
        name=row.name,
        status=Status(row.status),
        model=row.model,
        tasks=[Task(task) for task in row.tasks],
        options=ExtractionOptions.model_validate(row.options["options"]),
        dataset_id=row.dataset_id,
        splits=row.splits,
        store_text=row.store_text,
        documents=row.documents,
        succeeded=row.succeeded,
        failed=row.failed,
        progress=done / row.documents if row.documents else 0.0,
        rate=None if speed is None else round(speed, 2),
        seconds_left=left,
        usage=BatchUsage(input_tokens=row.input_tokens, output_tokens=row.output_tokens),
        notify=row.notify or [],
        error=job_failure(row.error_code, row.error_message),
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def rate(shards: Sequence[ExtractionShardRow]) -> float | None:
    """Documents a second: those that came after the first shard's end, or of the only shard."""
    ended = [
        (shard.finished_at, shard.started_at, shard.documents)
        for shard in shards
        if shard.finished_at is not None and shard.started_at is not None
    ]
    if not ended:
        return None
    ended.sort()
    (first, begun, documents), *others = ended
    if others:
        documents, begun = sum(count for *_, count in others), first
    seconds = (ended[-1][0] - begun).total_seconds()
    return documents / seconds if seconds > 0 else None
