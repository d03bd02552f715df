"""What a job is: idempotent steps over one row, known to rooms and to the engine that runs them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

# Workflows are bound to the version they started under: it changes only when the steps of a job
# change in such a way that a running one cannot be taken over. It is not the program's version:
# two releases at work at the same time share their jobs.
STEPS_VERSION = "1"


class JobError(Exception):
    """A step cannot succeed; `code` and `message` are what clients see, and hold no text."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class JobInterruptedError(BaseException):
    """This process lets go of the job: not an Exception, so that DBOS leaves it pending."""


@dataclass(frozen=True)
class JobKind:
    """One kind of job: its steps in order, how it fails, and which rows are not done yet.

    `queue` is where its jobs wait: one for all, or as it says for each row. A step may run twice,
    and on another machine than the step before: of what is there it may trust the database and the
    blobs alone.
    """

    name: str
    queue: str | Callable[[str], Awaitable[str]]
    steps: Sequence[Callable[[str], Awaitable[None]]]
    fail: Callable[[str, str, str], Awaitable[None]]
    unfinished: Callable[[], Awaitable[Sequence[str]]]
