"""A server that is down is left alone for a while; on a clock of the tests' own."""

import asyncio

import pytest

from app.backends.remote import Failure, Remote
from tests.backends.broken_servers import (
    DOWN,
    BrokenError,
    Server,
    Time,
    failing,
    remote,
    understand,
)


@pytest.fixture
def time() -> Time:
    return Time()


async def shut(server: Remote) -> None:
    """Let its circuit open."""
    for _ in range(5):
        await failing(server, Server(DOWN).answer, repeat=False)


@pytest.mark.parametrize(
    "failure", [DOWN, Failure(503), Failure(kind="timeout"), Failure(kind="connection")]
)
async def test_a_server_that_is_down_is_left_alone(time: Time, failure: Failure) -> None:
    server = remote(time)
    for _ in range(5):
        await failing(server, Server(failure).answer, repeat=False)
    spared = Server()
    error = await failing(server, spared.answer)
    assert spared.calls == 0
    assert (error.code, error.retryable, error.retry_after) == ("backend_unavailable", True, 10)


@pytest.mark.parametrize("failure", [Failure(s) for s in (400, 404, 429, 500, 501)])
async def test_a_server_that_refuses_or_trips_over_a_call_is_not_down(
    time: Time, failure: Failure
) -> None:
    server = remote(time)
    for _ in range(9):
        await failing(server, Server(failure).answer, repeat=False)
    assert await server.call(Server().answer, understand) == "answer"


async def test_only_failures_in_a_row_count(time: Time) -> None:
    server = remote(time)
    for _ in range(3):
        for _ in range(4):
            await failing(server, Server(DOWN).answer, repeat=False)
        await server.call(Server().answer, understand)


async def test_the_call_that_finds_it_down_says_why(time: Time) -> None:
    """Its own attempts open the circuit; the last failure is told, not the state of ours."""
    busy = Server(*[DOWN] * 9)
    error = await failing(remote(time, attempts=9, give_up_after=3), busy.answer)
    assert (busy.calls, error.code) == (3, "backend_failed")


async def test_after_a_pause_an_answer_closes_the_circuit(time: Time) -> None:
    server = remote(time)
    await shut(server)
    time.now += 10
    assert await server.call(Server().answer, understand) == "answer"
    await failing(server, Server(DOWN).answer, repeat=False)
    assert await server.call(Server().answer, understand) == "answer"


async def test_after_a_pause_a_failure_keeps_it_open(time: Time) -> None:
    server = remote(time)
    await shut(server)
    time.now += 10
    still = Server(DOWN, DOWN)
    assert (await failing(server, still.answer)).code == "backend_failed"
    assert still.calls == 1
    assert (await failing(server, still.answer)).retry_after == 10
    assert still.calls == 1


async def test_one_probe_at_a_time(time: Time) -> None:
    server = remote(time)
    await shut(server)
    time.now += 10
    let_go = asyncio.Event()

    async def probe() -> str:
        await let_go.wait()
        return "answer"

    first = asyncio.create_task(server.call(probe, understand))
    await asyncio.sleep(0)
    others = [Server() for _ in range(5)]
    for other in others:
        assert (await failing(server, other.answer)).retry_after == 1
    assert [other.calls for other in others] == [0] * 5
    let_go.set()
    assert await first == "answer"
    assert await server.call(Server().answer, understand) == "answer"


async def test_a_cancelled_probe_makes_way_for_the_next(time: Time) -> None:
    server = remote(time)
    await shut(server)
    time.now += 10
    probe = asyncio.create_task(server.call(asyncio.Event().wait, understand))
    await asyncio.sleep(0)
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    assert await server.call(Server().answer, understand) == "answer"


async def test_a_probe_that_fails_by_our_own_mistake_makes_way_too(time: Time) -> None:
    server = remote(time)
    await shut(server)
    time.now += 10

    async def mistaken() -> None:
        raise KeyError("ours")

    with pytest.raises(KeyError):
        await server.call(mistaken, understand)
    assert await server.call(Server().answer, understand) == "answer"


async def test_late_failures_do_not_prolong_the_pause(time: Time) -> None:
    server = remote(time)
    let_go = asyncio.Event()

    async def late() -> None:
        await let_go.wait()
        raise BrokenError(DOWN)

    begun = asyncio.create_task(failing(server, late, repeat=False))
    await asyncio.sleep(0)
    await shut(server)
    time.now += 9
    let_go.set()
    await begun
    time.now += 1
    assert await server.call(Server().answer, understand) == "answer"


async def test_a_model_that_is_down_leaves_the_others_alone(time: Time) -> None:
    server = remote(time)
    for _ in range(5):
        await failing(server, Server(DOWN).answer, repeat=False, about="broken")
    spared = Server()
    assert (await failing(server, spared.answer, about="broken")).retry_after == 10
    assert spared.calls == 0
    for about in ("", "whole"):
        assert await server.call(Server().answer, understand, about=about) == "answer"
    assert (await failing(server, spared.answer, about="broken")).retry_after == 10


async def test_names_that_were_never_answered_do_not_pile_up(time: Time) -> None:
    """A client may ask for whatever models it likes; those it names last are left alone."""
    server = remote(time, give_up_after=1)
    for number in range(1500):
        await failing(server, Server(DOWN).answer, repeat=False, about=f"model-{number}")
    assert len(server._circuits) == 1000
    spared = Server()
    await failing(server, spared.answer, about="model-1499")
    assert spared.calls == 0
