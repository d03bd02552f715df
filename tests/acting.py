"""Transactions of tests, on behalf of whoever asks a service that has no keys."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.platform.access import LOCAL, acting
from app.platform.work import Platform, Work


@asynccontextmanager
async def local_work(platform: Platform, *, write: bool) -> AsyncIterator[Work]:
    """As `Platform.work`."""
    with acting(LOCAL):
        async with platform.work(write=write) as work:
            yield work


@asynccontextmanager
async def acting_for_anybody(_row_id: str) -> AsyncIterator[None]:
    """As `Platform.acting_for`, for jobs whose rows are in no table."""
    with acting(LOCAL):
        yield
