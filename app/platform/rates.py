"""How many requests a minute each key may send to this process.

Counted in windows of a minute, each from its key's first request on. Every answer tells what is
left by the fields of draft-ietf-httpapi-ratelimit-headers-10 ("RateLimit header fields for HTTP").
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from app.platform.errors import ApiError

_POLICY = "per-key"


@dataclass(frozen=True, slots=True)
class Quota:
    """What a key has left: `remaining` requests for so many seconds more."""

    limit: int
    remaining: int
    seconds: int
    exceeded: bool

    @property
    def headers(self) -> Mapping[str, str]:
        """The fields of an answer that tell of it."""
        return {
            "ratelimit-policy": f'"{_POLICY}";q={self.limit};w=60',
            "ratelimit": f'"{_POLICY}";r={self.remaining};t={self.seconds}',
        }

    def refusal(self) -> ApiError:
        """What is told of a request too many."""
        detail = f"This key has sent more than {self.limit} requests within a minute."
        return ApiError("rate_limited", detail, retry_after=self.seconds)


class Rates:
    """Counts the requests of each key; one for each process.

    The asynchronous storage, since the other one starts threads to forget what is over.
    """

    def __init__(self, requests_per_minute: int) -> None:
        self._item = RateLimitItemPerMinute(requests_per_minute)
        self._windows = FixedWindowRateLimiter(MemoryStorage())

    async def take(self, key_id: str) -> Quota:
        """Count one request of this key, whether or not it is one too many."""
        within = await self._windows.hit(self._item, key_id)
        ends_at, remaining = await self._windows.get_window_stats(self._item, key_id)
        return Quota(self._item.amount, remaining, seconds_until(ends_at), exceeded=not within)


def seconds_until(moment: float) -> int:
    """How long to wait for it (in seconds since the epoch), as `Retry-After` tells it: whole
    seconds, and one at least, so that nobody is told to ask again at once."""
    return max(1, ceil(moment - time.time()))
