"""What an evaluation has kept of each document, opened for reading."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.evaluations.kept import Kept
from app.evaluations.service import Evaluations
from app.platform.errors import not_found
from app.platform.work import Platform


@asynccontextmanager
async def opened(platform: Platform, evaluation_id: str) -> AsyncIterator[Kept]:
    """What to read from. Its transaction ends before: no connection is held meanwhile.

    Raises ApiError `not_found`, `evaluation_not_ready`.
    """
    async with platform.work(write=False) as work:
        kept = await Evaluations(work).kept(evaluation_id)
    try:
        yield await kept.local(platform.blobs)
    except FileNotFoundError:  # It was deleted meanwhile.
        raise not_found("evaluation", evaluation_id) from None
