"""What the folder of a training job alone tells of how the job stands."""

from dataclasses import replace

from app.backends.base import JobState, JobStatus, MetricPoint
from app.backends.local.jobs import JobFolder


def is_over(folder: JobFolder) -> bool:
    """Whether the job has succeeded or was cancelled."""
    return folder.cancelled() or folder.result() is not None


def cancel(folder: JobFolder) -> None:
    """Mark the job as cancelled, unless it is over or was never launched."""
    if folder.known() and not is_over(folder):
        folder.cancel()


def job_state(folder: JobFolder) -> JobState:
    """What the folder alone tells; LOST if it holds no outcome."""
    steps = folder.progress()
    metrics = [
        MetricPoint(step.stage, step.step, name, value)
        for step in steps
        for name, value in step.metrics.items()
    ]
    state = JobState(
        JobStatus.LOST,
        progress=steps[-1].progress if steps else 0.0,
        stage=steps[-1].stage if steps else "",
        metrics=metrics,
    )
    if result := folder.result():
        return replace(
            state,
            status=JobStatus.SUCCEEDED,
            progress=1.0,
            model=result.model,
            details=result.details,
        )
    if folder.cancelled():
        return replace(state, status=JobStatus.CANCELLED)
    if failure := folder.failure():
        return replace(
            state,
            status=JobStatus.FAILED,
            error_code=failure.code,
            error_message=failure.message,
        )
    return state
