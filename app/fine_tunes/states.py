"""The states of a fine-tune and the one table of the ways between them."""

from enum import StrEnum


class FineTuneStatus(StrEnum):
    """Where a fine-tune stands."""

    QUEUED = "queued"
    PREPARING = "preparing"
    TRAINING = "training"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


# The long name is for the OpenAPI file, where all rooms meet.
Status = FineTuneStatus

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.PREPARING, Status.CANCELLED, Status.FAILED}),
    Status.PREPARING: frozenset({Status.TRAINING, Status.CANCELLING, Status.FAILED}),
    Status.TRAINING: frozenset({Status.SUCCEEDED, Status.CANCELLING, Status.FAILED}),
    # What is being cancelled ends cancelled, even if it would have failed or succeeded meanwhile.
    Status.CANCELLING: frozenset({Status.CANCELLED}),
    Status.SUCCEEDED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELLED: frozenset(),
}

TERMINAL = frozenset(status for status, following in TRANSITIONS.items() if not following)
