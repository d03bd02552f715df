"""The states of an extraction batch, the one table of the ways between them, and its shards'."""

from enum import StrEnum


class ExtractionBatchStatus(StrEnum):
    """Where a batch stands: `preparing` reads the input, `cancelling` waits for shards to stop.

    What is `cancelling` ends `cancelled` if a client asked for it, and `failed` if its model did.
    """

    QUEUED = "queued"
    PREPARING = "preparing"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


# The long name is for the OpenAPI file, where all rooms meet.
Status = ExtractionBatchStatus

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.PREPARING, Status.CANCELLED, Status.FAILED}),
    Status.PREPARING: frozenset({Status.RUNNING, Status.CANCELLED, Status.FAILED}),
    Status.RUNNING: frozenset({Status.SUCCEEDED, Status.CANCELLING}),
    Status.CANCELLING: frozenset({Status.CANCELLED, Status.FAILED}),
    Status.SUCCEEDED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELLED: frozenset(),
}

TERMINAL = frozenset(status for status, following in TRANSITIONS.items() if not following)
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
