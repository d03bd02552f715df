"""What is told of a training, from its record and its files."""

from app.backends.base import JobState, JobStatus
from app.backends.cohere_finetune.folder import Attempt, Phase
from app.backends.cohere_finetune.outputs import merging, read_curve

LOST = JobState(JobStatus.LOST)
ENDED: frozenset[Phase] = frozenset({"succeeded", "failed", "cancelled", "lost", "kept"})

_STATUS: dict[Phase, JobStatus] = {
    "succeeded": JobStatus.SUCCEEDED,
    "failed": JobStatus.FAILED,
    "cancelled": JobStatus.CANCELLED,
    "lost": JobStatus.LOST,
    "kept": JobStatus.LOST,
}


def state_of(attempt: Attempt) -> JobState:
    """The state that the record and the files tell of; the container is not asked."""
    record = attempt.record
    status = _STATUS.get(record.phase, JobStatus.RUNNING)
    if status is JobStatus.LOST:
        return LOST
    curve = read_curve(attempt.path)
    succeeded = status is JobStatus.SUCCEEDED
    return JobState(
        status=status,
        # Merging the weights comes after the last step.
        progress=1.0 if succeeded else min(curve.progress, 0.99),
        stage=_stage(attempt) if status is JobStatus.RUNNING else "",
        metrics=curve.metrics,
        model=attempt.path.name if succeeded else None,
        error_code=record.error_code,
        error_message=record.error_message,
        warnings=_warnings(attempt),
        details={
            "name": attempt.path.name,
            "rows": record.rows,
            "evaluation_rows": record.evaluation_rows,
            "duplicates": record.duplicates,
        },
    )


def _stage(attempt: Attempt) -> str:
    if attempt.record.phase == "waiting":
        return "waiting"
    if not attempt.begun:
        return "starting"
    return "merging" if merging(attempt.path) else "training"


def _warnings(attempt: Attempt) -> tuple[str, ...]:
    record = attempt.record
    warnings = []
    if record.duplicates:
        warnings.append(f"{record.duplicates} rows were left out as duplicates.")
    if record.long:
        warnings.append(
            f"{record.long} rows may be longer than 16,384 tokens; the trainer leaves such out."
        )
    return tuple(warnings)
