"""Servers that fail as told, and a clock that stands still unless it is slept on."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from app.backends.base import BackendError
from app.backends.remote import Failure, Remote

DOWN = Failure(502)


class BrokenError(Exception):
    """What a call of these tests raises."""

    def __init__(self, failure: Failure) -> None:
        super().__init__("the text that was sent")
        self.failure = failure


def understand(error: Exception) -> Failure | None:
    return error.failure if isinstance(error, BrokenError) else None


class Time:
    """A clock that stands still unless it is slept on."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def remote(
    time: Time,
    *,
    attempts: int = 3,
    at_once: int = 256,
    give_up_after: int = 5,
    total: float = 120,
) -> Remote:
    return Remote(
        "cohere-vault",
        attempts=attempts,
        at_once=at_once,
        give_up_after=give_up_after,
        pause=10,
        total=total,
        clock=lambda: time.now,
        sleep=time.sleep,
        jitter=lambda: 1.0,
    )


class Server:
    """Fails in the ways given, one a call, then answers."""

    def __init__(self, *failures: Failure) -> None:
        self.failures = list(failures)
        self.calls = 0

    async def answer(self) -> str:
        self.calls += 1
        if self.failures:
            raise BrokenError(self.failures.pop(0))
        return "answer"


async def failing(
    remote: Remote, do: Callable[[], Awaitable[object]], *, repeat: bool = True, about: str = ""
) -> BackendError:
    with pytest.raises(BackendError) as raised:
        await remote.call(do, understand, repeat=repeat, about=about)
    return raised.value
