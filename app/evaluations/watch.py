"""A job's eye on its evaluation: says how far it is, and notices when nobody wants it any more."""

import time

import structlog

from app.evaluations.job_side import JobSide
from app.platform.database import AWAY
from app.platform.work import Platform

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.5
# The rest of the progress is for the comparisons.
_ASKING = 0.95


class UnwantedError(Exception):
    """The evaluation has been cancelled or deleted."""


class Watch:
    """One evaluation, looked at twice a second at most however often it is told of."""

    def __init__(self, platform: Platform, evaluation_id: str, documents: int) -> None:
        """`documents` is how many answers there will be, of all models."""
        self._platform = platform
        self._id = evaluation_id
        self._documents = documents
        self._done = 0
        self._stage = ""
        self._next = 0.0

    def begin(self, stage: str) -> None:
        """From now on the job is at this."""
        self._stage = stage
        self._next = 0.0

    def answered(self, documents: int) -> None:
        """So many more answers are scored."""
        self._done += documents

    async def look(self) -> None:
        """Store how far the job is, if it is time to. Raises UnwantedError."""
        if time.monotonic() < self._next:
            return
        progress = _ASKING * self._done / max(1, self._documents)
        try:
            async with self._platform.work(write=True) as work:
                if not await JobSide(work).record(self._id, self._stage, progress):
                    raise UnwantedError
        except AWAY as error:
            # What has been answered, and may have been paid for, is not given up for that.
            log.warning("progress_not_stored", id=self._id, error=type(error).__name__)
        self._next = time.monotonic() + LOOK_SECONDS
