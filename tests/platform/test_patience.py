"""Waiting ends in time, whatever is waited for."""

import asyncio

import pytest

from app.platform.patience import within


async def test_an_answer_in_time_and_an_error_in_time() -> None:
    """Both come through as they are."""

    async def answers(value: int) -> int:
        if value < 0:
            raise LookupError("none")
        return value

    assert await within(5, lambda: answers(3)) == 3
    with pytest.raises(LookupError):
        await within(5, lambda: answers(-1))


async def test_what_will_not_be_cancelled_is_left_behind() -> None:
    """Who waits is told at once, though what is waited for takes its time to let go."""
    let_go, ended = asyncio.Event(), asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await let_go.wait()
            ended.set()
            raise LookupError("nobody hears this") from None

    with pytest.raises(TimeoutError):
        await within(0.01, stubborn)
    assert not ended.is_set()
    let_go.set()
    await asyncio.wait_for(ended.wait(), 5)


async def test_who_is_cancelled_cancels_it() -> None:
    """Nothing goes on that nobody waits for."""
    cancelled = asyncio.Event()

    async def asked() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            cancelled.set()

    waiting = asyncio.create_task(within(3600, asked))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.wait_for(cancelled.wait(), 5)
