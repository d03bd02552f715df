"""What follows from what is remembered of a training, what the container says, and its files.

The container says of *a* training, without its id: files decide where they can, and what it says
against a training is believed only when it has said so for a while (`doubt`): right after a start
it may still be idle, and a shared folder may show files late.
"""

from dataclasses import dataclass
from typing import Literal

from app.backends.cohere_finetune.container import Status
from app.backends.cohere_finetune.folder import Attempt

_LONGEST_MESSAGE = 200


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do: `post` it, let it `run`, `doubt` for now, or end it in the phase named."""

    act: Literal["post", "run", "doubt", "succeeded", "failed", "lost"]
    code: str | None = None
    message: str | None = None


POST, RUN, DOUBT = Verdict("post"), Verdict("run"), Verdict("doubt")
SUCCEEDED, LOST = Verdict("succeeded"), Verdict("lost")


def judge(attempt: Attempt, status: Status, *, age: float, limit: float, doubted: bool) -> Verdict:
    """What becomes of a training that has not ended.

    `age` is how long, in seconds, it has been in its phase, `limit` how long it may be; `doubted`
    says that the doubt about it has lasted long enough.
    """
    if attempt.record.phase == "waiting":
        return _waiting(status, too_long=age > limit)
    if status.busy:
        if age <= limit:
            return RUN
        return SUCCEEDED if attempt.complete else _stuck(limit)
    if attempt.record.phase == "posting" and not attempt.begun:
        # The request never arrived, or left no trace: nothing was trained, it can be made again.
        return POST if doubted else DOUBT
    if attempt.complete:
        return SUCCEEDED
    if status.status == "error":
        return _failed(status.message)
    return LOST if doubted else DOUBT


def _waiting(status: Status, *, too_long: bool) -> Verdict:
    if not status.busy:
        return POST
    if not too_long:
        return RUN
    return Verdict(
        "failed",
        "backend_unavailable",
        "The trainer was busy with something else all the time; if it is stuck, restart it.",
    )


def _stuck(limit: float) -> Verdict:
    return Verdict(
        "failed",
        "training_stuck",
        f"The trainer has been at it for more than {limit / 3600:g} hours and counts as stuck: "
        "restart its container if it does not restart by itself; its log has the cause.",
    )


def _failed(message: str) -> Verdict:
    """The container's words, where they are of a kind that is known and speaks of no text."""
    said = " ".join(message.split())[:_LONGEST_MESSAGE]
    if said.startswith("Missing files during dataset creation:"):
        what = "The trainer does not see the files: the shared folder is not its PATH_PREFIX."
        return Verdict("failed", "backend_failed", what)
    refusals = ("dataset creation:", "preprocessing:", "max sequence length calculation:")
    if said.startswith(tuple(f"Exception during {each}" for each in refusals)):
        return Verdict("failed", "training_data_refused", f"The trainer says: {said}")
    if said.removeprefix("Exception during training:").strip() and said.startswith(
        ("Exception during training:", "Missing files during training:")
    ):
        return Verdict("failed", "training_failed", f"The trainer says: {said}")
    return Verdict(
        "failed",
        "training_failed",
        "The trainer's process failed; its log has the cause, most often too little GPU memory.",
    )
