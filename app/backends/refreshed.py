"""What a server tells of itself (its models, say), kept and asked for anew in the background.

Nobody waits for what is already known, and for the first answer only briefly.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

from app.backends.base import BackendError

log = structlog.get_logger(__name__)

T = TypeVar("T")


class Refreshed(Generic[T]):
    """The last answer of `ask`, which is `what` the server of `backend` tells.

    It is fresh for `fresh_for` seconds; the first one is waited for `patience` seconds; a server
    that did not answer is asked again after `again_after` seconds, and what is known stays. All on
    one event loop; `clock` is in seconds.
    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[T]],
        backend: str,
        what: str,
        *,
        fresh_for: float,
        patience: float,
        again_after: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.known: T | None = None
        self._ask = ask
        self._backend = backend
        self._what = what
        self._fresh_for = fresh_for
        self._patience = patience
        self._again_after = again_after
        self._clock = clock
        self._due = clock()
        self._asking: asyncio.Task[None] | None = None
        self._begun = 0.0
        self._doubted = False
        self._closed = False

    async def get(self) -> T | None:
        """What is known; None if the server has not answered yet."""
        self.start()
        if self.known is None and self._asking is not None:
            # All callers together wait only so long for a server that does not answer.
            left = self._begun + self._patience - self._clock()
            await asyncio.wait({self._asking}, timeout=max(0.0, left))
        return self.known

    def start(self) -> None:
        """Ask now, in the background, if it is due and not being asked."""
        if self._asking is None and not self._closed and self._clock() >= self._due:
            self._begun = self._clock()
            self._due = self._begun + self._again_after
            self._doubted = False
            self._asking = asyncio.create_task(self._refresh())

    def doubt(self) -> None:
        """What is known, or is just being told, may be out of date: ask at the next occasion."""
        self._due = min(self._due, self._clock())
        self._doubted = True

    async def close(self) -> None:
        """Ask no more."""
        self._closed = True
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait({self._asking})

    async def _refresh(self) -> None:
        try:
            self.known = await self._ask()
            self._due = self._clock() + (0.0 if self._doubted else self._fresh_for)
        except Exception as error:  # nobody waits for this; an SDK may trip over anything
            said = error.code if isinstance(error, BackendError) else type(error).__name__
            log.warning("not_refreshed", backend=self._backend, what=self._what, error=said)
        finally:
            self._asking = None
