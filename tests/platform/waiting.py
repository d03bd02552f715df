"""Waiting for what happens a moment later."""

import asyncio
from collections.abc import Callable

from app.platform.jobs import Jobs


async def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Return once the condition holds. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def all_ended(jobs: Jobs, seconds: float = 60) -> None:
    """Return once the engine has no job to end: each ends a moment after its last step."""
    async with asyncio.timeout(seconds):
        while (await jobs.depths()).total():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
