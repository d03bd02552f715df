"""The states of an extraction batch and of its shards."""

from enum import StrEnum


class ExtractionBatchStatus(StrEnum):
    """Where a batch stands: `preparing` reads the input, `cancelling` waits for shards to stop."""

    QUEUED = "queued"
    PREPARING = "preparing"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


# The long name is for the OpenAPI file, where all rooms meet.
Status = ExtractionBatchStatus

TERMINAL = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED})
READING = frozenset({Status.QUEUED, Status.PREPARING})


class ShardStatus(StrEnum):
    """Where a shard stands; only `queued` and `running` ones have a workflow at work."""

    WAITING = "waiting"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


ACTIVE = (ShardStatus.QUEUED, ShardStatus.RUNNING)
ENDED = (ShardStatus.DONE, ShardStatus.CANCELLED)
