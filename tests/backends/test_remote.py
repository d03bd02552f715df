"""What becomes of calls to servers that fail, on a clock of the tests' own."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from app.backends.base import BackendError
from app.backends.remote import Failure, Remote, RemoteError, seconds_to_wait, understand_httpx
from tests.backends.broken_servers import (
    DOWN,
    Server,
    Time,
    failing,
    remote,
    understand,
)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.mark.parametrize(
    "failure",
    [
        *(Failure(status) for status in (408, 429, 500, 502, 503, 504)),
        Failure(kind="timeout"),
        Failure(kind="connection"),
    ],
)
async def test_what_may_pass_is_tried_again(time: Time, failure: Failure) -> None:
    server = Server(failure, failure)
    assert await remote(time).call(server.answer, understand) == "answer"
    assert server.calls == 3
    assert time.slept == [0.5, 1.0]


@pytest.mark.parametrize(
    "failure",
    [*(Failure(status) for status in (400, 401, 404, 409, 422, 501)), Failure(kind="malformed")],
)
async def test_what_will_not_pass_is_not_tried_again(time: Time, failure: Failure) -> None:
    server = Server(failure)
    error = await failing(remote(time), server.answer)
    assert (server.calls, error.retryable, error.code) == (1, False, "backend_failed")


async def test_a_call_that_must_not_act_twice_is_made_once(time: Time) -> None:
    server = Server(DOWN)
    error = await failing(remote(time), server.answer, repeat=False)
    assert server.calls == 1
    assert error.retryable


async def test_attempts_are_bounded(time: Time) -> None:
    server = Server(*[DOWN] * 9)
    await failing(remote(time, attempts=4, give_up_after=9), server.answer)
    assert server.calls == 4


async def test_delays_have_an_upper_bound_and_so_has_their_sum(time: Time) -> None:
    server = Server(*[DOWN] * 99)
    await failing(remote(time, attempts=99, give_up_after=99, total=30), server.answer)
    assert time.slept == [0.5, 1, 2, 4, 8, 8]


async def test_jitter_spreads_the_delays() -> None:
    time = Time()
    low = Remote("b", clock=lambda: time.now, sleep=time.sleep, jitter=lambda: 0.0)
    await low.call(Server(DOWN, DOWN).answer, understand)
    assert time.slept == [0.25, 0.5]


async def test_retry_after_is_kept_to(time: Time) -> None:
    await remote(time).call(Server(Failure(429, retry_after=7)).answer, understand)
    assert 7 <= time.slept[0] < 8


async def test_a_long_retry_after_is_the_clients_affair(time: Time) -> None:
    server = Server(Failure(429, retry_after=3600))
    error = await failing(remote(time), server.answer)
    assert (server.calls, time.slept) == (1, [])
    assert (error.code, error.retryable, error.retry_after) == ("backend_unavailable", True, 3600)


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (Failure(401), "backend_failed"),
        (Failure(402), "backend_failed"),
        (Failure(403), "backend_failed"),
        (Failure(408), "backend_timeout"),
        (Failure(429), "backend_unavailable"),
        (Failure(500), "backend_failed"),
        (Failure(503), "backend_unavailable"),
        (Failure(504), "backend_timeout"),
        (Failure(kind="connection"), "backend_unavailable"),
        (Failure(kind="timeout"), "backend_timeout"),
        (Failure(200, kind="malformed"), "backend_failed"),
    ],
)
async def test_the_error_has_its_code_and_names_the_backend(
    time: Time, failure: Failure, code: str
) -> None:
    error = await failing(remote(time), Server(*[failure] * 3).answer)
    assert error.code == code
    assert error.message.startswith("The backend cohere-vault ")
    assert isinstance(error, RemoteError)
    assert error.failure == failure


async def test_what_the_server_says_is_not_shown(time: Time) -> None:
    said = Failure(400, "cannot parse: Mrs Miller has asthma")
    error = await failing(remote(time), Server(said).answer)
    assert "Miller" not in f"{error} {error.message} {error.hint} {error!r}"
    assert error.__cause__ is None
    assert error.__context__ is None


async def test_other_exceptions_pass(time: Time) -> None:
    async def mistaken() -> None:
        raise KeyError("ours")

    with pytest.raises(KeyError):
        await remote(time).call(mistaken, understand)


async def test_one_attempt_takes_as_long_as_it_may(time: Time) -> None:
    calls = 0

    async def hang() -> None:
        nonlocal calls
        calls += 1
        await asyncio.Event().wait()

    with pytest.raises(BackendError) as raised:
        await remote(time, attempts=2).call(hang, understand, within=0.001)
    assert (raised.value.code, calls) == ("backend_timeout", 2)


async def test_calls_that_wait_for_others_are_not_slow(time: Time) -> None:
    """The server is given no more at once than it is to have; waiting is no fault of its own."""
    server = remote(time, at_once=2)
    open_now = most = 0

    async def work() -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0.6)
        open_now -= 1

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(server.call(work, understand, repeat=False, within=1))
    assert most == 2


async def test_calls_do_not_wait_for_ever(time: Time) -> None:
    """They are told to come back; the server has not failed by that."""
    server = remote(time, at_once=1, give_up_after=1)
    let_go = asyncio.Event()
    first = asyncio.create_task(server.call(let_go.wait, understand))
    await asyncio.sleep(0)
    with pytest.raises(BackendError) as raised:
        await server.call(Server().answer, understand, within=0.01)
    assert (raised.value.code, raised.value.retryable) == ("backend_unavailable", True)
    let_go.set()
    await first
    assert await server.call(Server().answer, understand) == "answer"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
    ],
)
def test_retry_after_in_seconds(value: str, seconds: float | None) -> None:
    assert seconds_to_wait({"Retry-After": value}) == seconds


def test_retry_after_as_a_date() -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 60 < (seconds_to_wait({"retry-after": at}) or 0) <= 90
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=90), usegmt=True)
    assert seconds_to_wait({"retry-after": past}) == 0
    assert seconds_to_wait({}) is None


def test_what_httpx_raises() -> None:
    request = httpx.Request("GET", "http://server")
    refused = httpx.Response(429, headers={"Retry-After": "3"}, request=request)
    kinds = {
        httpx.ConnectError("x"): Failure(kind="connection"),
        httpx.ConnectTimeout("x"): Failure(kind="connection"),
        httpx.ReadTimeout("x"): Failure(kind="timeout"),
        httpx.RemoteProtocolError("x"): Failure(kind="connection"),
        httpx.DecodingError("x"): Failure(kind="malformed"),
        httpx.HTTPStatusError("x", request=request, response=refused): Failure(429, retry_after=3),
        KeyError("x"): None,
    }
    assert {error: understand_httpx(error) for error in kinds} == kinds
