"""For whom the jobs of tests act whose rows are in no table."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.platform.access import LOCAL, acting


@asynccontextmanager
async def acting_for_anybody(_row_id: str) -> AsyncIterator[None]:
    """As `Platform.acting_for`: whoever asks a service that has no keys."""
    with acting(LOCAL):
        yield
