"""Calls to servers that may fail: repeated within bounds, cut off while a server is down.

A backend wraps every call in `Remote.call` and says how its exceptions are to be understood;
what comes out is an answer or a `RemoteError`, which names the backend and tells nothing that the
server said.
"""

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal, TypeVar

import httpx

from app.backends.base import BackendError
from app.backends.circuits import Circuits
from app.platform.telemetry import Telemetry

T = TypeVar("T")
Kind = Literal["status", "timeout", "connection", "malformed"]

_FIRST_DELAY = 0.5  # seconds, doubled with each attempt
_LONGEST_DELAY = 8.0
_LONGEST_RETRY_AFTER = 20.0  # who asks for more is not waited for, the client is told


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong with one call; `status` is the HTTP status, where there was an answer.

    `message` is the server's and may hold what was sent. `retry_after` is in seconds. `malformed`
    is an answer of success that cannot be read.
    """

    status: int | None = None
    message: str = field(default="", repr=False)
    retry_after: float | None = None
    kind: Kind = "status"

    @property
    def transient(self) -> bool:
        """Whether the same call may succeed a little later."""
        if self.kind != "status" or self.status is None:
            return self.kind in ("timeout", "connection")
        return self.status in (408, 429, 500) or self.down

    @property
    def down(self) -> bool:
        """Whether it speaks for a server that serves nobody; 500 may be for this call alone."""
        if self.kind == "status":
            return self.status is not None and self.status >= 502
        return self.kind in ("timeout", "connection")


class RemoteError(BackendError):
    """A call to a backend's server failed for good; `failure` is how its last attempt ended."""

    def __init__(self, backend: str, failure: Failure) -> None:
        code, what, hint = _told(failure)
        super().__init__(
            code,
            f"The backend {backend} {what}.",
            retryable=failure.transient,
            hint=hint,
            retry_after=failure.retry_after,
        )
        self.failure = failure


def _told(failure: Failure) -> tuple[str, str, str | None]:
    """Code, what the backend did, and a hint."""
    status = failure.status
    if failure.kind == "connection":
        return "backend_unavailable", "cannot be reached", None
    if failure.kind == "timeout":
        return "backend_timeout", "did not answer in time", None
    if failure.kind == "malformed":
        hint = "Check that its base URL is that of such a server."
        return "backend_failed", "gave an answer that cannot be read", hint
    if status in (408, 504):
        return "backend_timeout", f"did not answer in time (status {status})", None
    if status == 429:
        return "backend_unavailable", "has too many requests to answer this one", None
    if status == 503:
        return "backend_unavailable", "is not available at the moment (status 503)", None
    if status in (401, 403):
        hint = "The operator of this service should check the backend's key."
        return "backend_failed", f"refused the key it was given (status {status})", hint
    if status == 402:
        hint = "The operator of this service should look at the account of that key."
        return "backend_failed", "refused because of billing (status 402)", hint
    if status is not None and status >= 500:
        return "backend_failed", f"failed with status {status}", None
    return "backend_failed", f"refused the request with status {status}", None


class Remote:
    """One server: how often a call is tried, and whether it is called at all at the moment.

    For `give_up_after` and `pause` see `Circuits`; what counts are failures that speak for a server
    that is down. `at_once` bounds the calls under way, `total`, in seconds, the time until an
    attempt may still begin; `clock`, `sleep` and `jitter` (0 to 1) are for tests. All on one event
    loop.
    """

    def __init__(
        self,
        name: str,
        *,
        telemetry: Telemetry | None = None,
        attempts: int = 3,
        at_once: int = 256,
        give_up_after: int = 5,
        pause: float = 10.0,
        total: float = 120.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self._telemetry = telemetry or Telemetry()
        self._attempts = attempts
        self._gate = asyncio.Semaphore(at_once)
        self._circuits = Circuits(name, give_up_after=give_up_after, pause=pause, clock=clock)
        self._total = total
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter

    @property
    def is_away(self) -> bool:
        """Whether the last calls about something have failed, so that others are refused."""
        return self._circuits.any_open()

    async def call(
        self,
        do: Callable[[], Awaitable[T]],
        understand: Callable[[Exception], Failure | None],
        *,
        repeat: bool = True,
        within: float | None = None,
        about: str = "",
    ) -> T:
        """The result of `do`, which is tried again after failures that may pass.

        `repeat` False tries once: for calls that must not act twice. `within` bounds one attempt,
        in seconds. `about` is the model that is asked, or what else may fail by itself. An
        exception that `understand` gives None for is raised as it is.

        Raises RemoteError, or BackendError if the call was not made.
        """
        begun = self._clock()
        attempt = 0
        while True:
            attempt += 1
            result = await self._attempt(do, understand, within, about)
            if not isinstance(result, _Failed):
                return result
            failure = result.failure
            delay = self._delay(failure, attempt)
            if (
                not repeat
                or attempt >= self._attempts
                or not failure.transient
                or delay is None
                or self._circuits.is_open(about)
                or self._clock() + delay - begun > self._total
            ):
                # Raised out here, so that the exception of the SDK, which may hold text, is not
                # its context.
                raise RemoteError(self.name, failure)
            await self._sleep(delay)

    def _delay(self, failure: Failure, attempt: int) -> float | None:
        """Seconds until the next attempt; None if the server wants it too late."""
        backoff = min(_LONGEST_DELAY, _FIRST_DELAY * 2.0 ** (attempt - 1))
        delay = backoff * (0.5 + self._jitter() / 2)
        if failure.retry_after is None:
            return delay
        if failure.retry_after > _LONGEST_RETRY_AFTER:
            return None
        # All who were turned away together should not come back together.
        return failure.retry_after + delay / 4

    async def _attempt(
        self,
        do: Callable[[], Awaitable[T]],
        understand: Callable[[Exception], Failure | None],
        within: float | None,
        about: str,
    ) -> "T | _Failed":
        # Waiting for others is no part of the attempt: it says nothing of the server.
        await self._enter(within)
        probed = None
        try:
            probed = self._circuits.enter(about)
            result = await self._told_of(do, understand, within)
            if isinstance(result, _Failed) and result.failure.down:
                self._circuits.failed(about, probed)
            else:
                self._circuits.answered(about)
            return result
        finally:
            self._circuits.leave(probed)
            self._gate.release()

    async def _told_of(
        self,
        do: Callable[[], Awaitable[T]],
        understand: Callable[[Exception], Failure | None],
        within: float | None,
    ) -> "T | _Failed":
        with self._telemetry.call(self.name) as outcome:
            try:
                async with asyncio.timeout(within):
                    return await do()
            except Exception as error:
                failure = understand(error)
                if failure is None and isinstance(error, TimeoutError):
                    failure = Failure(kind="timeout")
                if failure is None:
                    raise
                outcome.failed(_told(failure)[0])
                return _Failed(failure)

    async def _enter(self, within: float | None) -> None:
        """Wait until there is room for one more call. Raises BackendError after `within`."""
        if not self._gate.locked():
            await self._gate.acquire()
            return
        try:
            async with asyncio.timeout(within):
                await self._gate.acquire()
        except TimeoutError:
            raise BackendError(
                "backend_unavailable",
                f"Too many calls to the backend {self.name} are under way.",
                retryable=True,
            ) from None


@dataclass(frozen=True, slots=True)
class _Failed:
    failure: Failure


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """What `Retry-After` asks for, in seconds (RFC 9110: a number, or a date)."""
    value = next((headers[name] for name in headers if name.lower() == "retry-after"), None)
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            at = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


def understand_httpx(error: BaseException) -> Failure | None:
    """The failure behind an exception of httpx, None for any other exception."""
    match error:
        case httpx.HTTPStatusError():
            answer = error.response
            return Failure(answer.status_code, retry_after=seconds_to_wait(answer.headers))
        # With aiohttp below it, httpx says ConnectTimeout also where a connection was refused.
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            return Failure(kind="connection")
        case httpx.TimeoutException():
            return Failure(kind="timeout")
        case httpx.TransportError():
            return Failure(kind="connection")
        case httpx.DecodingError():
            return Failure(kind="malformed")
    return None
