"""To wait for something no longer than one is willing to."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

Answer = TypeVar("Answer")


async def within(seconds: float, ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """The answer, if it comes in time. Raises TimeoutError, and what `ask` raises.

    What is too late is cancelled and left to end by itself: a driver may take its time to let go of
    a database that does not answer, and `asyncio.timeout` would wait for that.
    """
    task = asyncio.ensure_future(ask())
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except BaseException:
        task.cancel()
        raise
    if not done:
        task.cancel()
        task.add_done_callback(_forget)
        raise TimeoutError
    return task.result()


def _forget(task: "asyncio.Future[Any]") -> None:
    if not task.cancelled():
        task.exception()
