"""A brake on guessing keys: who has failed to log in too often has to wait.

Counted for each address in each process, over the minute past. What an address is known by is what
the connection comes from: behind a proxy that is the proxy, unless it says for whom it asks.
"""

from ipaddress import ip_address, ip_network

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from app.platform.errors import ApiError
from app.platform.rates import seconds_until

FAILURES_A_MINUTE = 10
_IPV6_OF_ONE = 64  # bits: within such a network addresses cost nothing


class Brake:
    """Counts failed logins; one for each process."""

    def __init__(self) -> None:
        self._item = RateLimitItemPerMinute(FAILURES_A_MINUTE)
        self._windows = MovingWindowRateLimiter(MemoryStorage())

    async def check(self, address: str) -> None:
        """Raise ApiError `rate_limited` if too many have failed from this address."""
        who = _who(address)
        if await self._windows.test(self._item, who):
            return
        ends_at, _ = await self._windows.get_window_stats(self._item, who)
        raise ApiError(
            "rate_limited",
            "Too many logins have failed from your address.",
            retry_after=seconds_until(ends_at),
        )

    async def failed(self, address: str) -> None:
        """Count a login that has failed."""
        await self._windows.hit(self._item, _who(address))


def _who(address: str) -> str:
    """What an address counts as."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, _IPV6_OF_ONE), strict=False))
