"""The brake on guessing keys: whom a failed login counts against."""

import pytest

from app.console.brake import FAILURES_A_MINUTE, Brake
from app.platform.errors import ApiError


async def braked(brake: Brake, address: str) -> bool:
    try:
        await brake.check(address)
    except ApiError as error:
        return error.code == "rate_limited" and 1 <= (error.retry_after or 0) <= 60
    return False


@pytest.mark.parametrize(
    ("failing", "same", "others"),
    [
        ("192.0.2.1", ["192.0.2.1", "::ffff:192.0.2.1"], ["192.0.2.2", "::ffff:192.0.2.2"]),
        ("2001:db8::1", ["2001:db8:0:0:f::9"], ["2001:db8:0:1::1", "192.0.2.1"]),
        ("::ffff:192.0.2.1", ["::ffff:192.0.2.1"], ["::ffff:192.0.2.2"]),
        ("", [""], ["a socket"]),
    ],
)
async def test_who_has_failed_too_often(failing: str, same: list[str], others: list[str]) -> None:
    """An IPv4 address by itself, all of an IPv6 network of one host, and what is no address."""
    brake = Brake()
    for _ in range(FAILURES_A_MINUTE):
        assert not await braked(brake, failing)
        await brake.failed(failing)
    assert await braked(brake, failing)
    assert [await braked(brake, each) for each in same] == [True] * len(same)
    assert [await braked(brake, each) for each in others] == [False] * len(others)


async def test_logins_that_succeed_are_not_counted() -> None:
    """Looking whether it is on does not put it on."""
    brake = Brake()
    assert not any([await braked(brake, "192.0.2.1") for _ in range(2 * FAILURES_A_MINUTE)])
