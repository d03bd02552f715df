"""Calls to servers that may fail: repeated within bounds, cut off while a server is down.

A backend wraps every call in `Remote.call` and says how its exceptions are to be understood;
what comes out is an answer or a `RemoteError`, which names the backend and holds nothing that
the server said unless the caller shows it.
"""

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal, TypeVar

import httpx

from app.backends.base import BackendError

T = TypeVar("T")
Kind = Literal["status", "timeout", "connection", "malformed"]

_FIRST_DELAY = 0.5  # seconds, doubled with each attempt
_LONGEST_DELAY = 8.0
_LONGEST_RETRY_AFTER = 20.0  # who asks for more is not waited for, the client is told
_LONGEST_MESSAGE = 300  # characters of a server's message that are shown


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong with one call; `status` is the HTTP status, where there was an answer.

    `message` is the server's and may hold what was sent. `retry_after` is in seconds. `malformed`
    is an answer of success that cannot be read.
    """

    status: int | None = None
    message: str = ""
    retry_after: float | None = None
    kind: Kind = "status"

    @property
    def transient(self) -> bool:
        """Whether the same call may succeed a little later."""
        if self.kind != "status" or self.status is None:
            return self.kind in ("timeout", "connection")
        return self.status in (408, 429) or self.down

    @property
    def down(self) -> bool:
        """Whether it speaks for a server that serves nobody, not just this call."""
        if self.kind == "status":
            return self.status is not None and self.status >= 500 and self.status != 501
        return self.kind in ("timeout", "connection")


class RemoteError(BackendError):
    """A call to a backend's server failed for good; `failure` is how its last attempt ended."""

    def __init__(self, backend: str, failure: Failure, *, show: bool = False) -> None:
        code, what, hint = _told(failure)
        said = " ".join(failure.message.split())[:_LONGEST_MESSAGE] if show else ""
        super().__init__(
            code,
            f"The backend {backend} {what}" + (f": {said}" if said else "."),
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

    After `give_up_after` failures in a row that speak for a server that is down, its circuit is
    open: calls fail at once, for `pause` seconds; then one call at a time is let through, until
    one is answered. All on one event loop. `total` bounds, in seconds, the time until an attempt
    may still begin; `clock`, `sleep` and `jitter` (0 to 1) are for tests.
    """

    def __init__(
        self,
        name: str,
        *,
        attempts: int = 3,
        give_up_after: int = 5,
        pause: float = 10.0,
        total: float = 120.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self._attempts = attempts
        self._give_up_after = give_up_after
        self._pause = pause
        self._total = total
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._failures = 0
        self._open_until: float | None = None
        self._probing = False

    async def call(
        self,
        do: Callable[[], Awaitable[T]],
        understand: Callable[[Exception], Failure | None],
        *,
        repeat: bool = True,
        within: float | None = None,
        show: bool = False,
    ) -> T:
        """The result of `do`, which is tried again after failures that may pass.

        `repeat` False tries once: for calls that must not act twice. `within` bounds one attempt,
        in seconds. `show` puts the server's message into the error: only where it cannot hold
        text. An exception that `understand` gives None for is raised as it is.

        Raises RemoteError.
        """
        begun = self._clock()
        attempt = 0
        while True:
            attempt += 1
            result = await self._attempt(do, understand, within)
            if not isinstance(result, _Failed):
                return result
            failure = result.failure
            delay = self._delay(failure, attempt)
            if (
                not repeat
                or attempt >= self._attempts
                or not failure.transient
                or delay is None
                or self._open_until is not None
                or self._clock() + delay - begun > self._total
            ):
                # Raised out here, so that the exception of the SDK, which may hold text, is not
                # its context.
                raise RemoteError(self.name, failure, show=show)
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
    ) -> "T | _Failed":
        probe = self._admit()
        try:
            async with asyncio.timeout(within):
                result = await do()
        except Exception as error:
            failure = understand(error)
            if failure is None and isinstance(error, TimeoutError):
                failure = Failure(kind="timeout")
            if failure is None:
                raise
            self._settle(failure, probe=probe)
            return _Failed(failure)
        else:
            self._settle(None, probe=probe)
            return result
        finally:
            # However it ended, by cancellation even: the next one may try.
            if probe:
                self._probing = False

    def _admit(self) -> bool:
        """Whether this attempt is a probe. Raises BackendError while the circuit is open."""
        if self._open_until is None:
            return False
        wait = self._open_until - self._clock()
        if wait > 0 or self._probing:
            raise BackendError(
                "backend_unavailable",
                f"The backend {self.name} has failed repeatedly and is left alone for a moment.",
                retryable=True,
                retry_after=max(1.0, math.ceil(wait)),
            )
        self._probing = True
        return True

    def _settle(self, failure: Failure | None, *, probe: bool) -> None:
        """Learn from how an attempt ended; any answer but `down` is a sign of life."""
        if failure is None or not failure.down:
            self._failures = 0
            self._open_until = None
            return
        self._failures += 1
        opens = self._open_until is None and self._failures >= self._give_up_after
        # Calls that began before it opened and fail only now do not prolong it.
        if opens or (probe and self._open_until is not None):
            self._open_until = self._clock() + self._pause


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
        except ValueError:
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
