"""Calls that wait together are answered together, each with what is its own."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from app.backends.local.together import LONG, Together


class Echo:
    """Answers each text with the question and itself; remembers what it was asked at once.

    It begins only when `gate` is open.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[str]]] = []
        self.gate = threading.Event()
        self.begun = threading.Event()

    def __call__(self, question: str, texts: Sequence[str]) -> list[str]:
        self.begun.set()
        assert self.gate.wait(20)
        self.asked.append((question, list(texts)))
        if "bad" in texts:
            raise ValueError
        return [f"{question}:{text}" for text in texts]


async def first_is_at_work(together: Together[str, str], echo: Echo) -> asyncio.Task[list[str]]:
    """A call that keeps the thread until the gate opens."""
    task = asyncio.create_task(together.ask("q", ["first"]))
    assert await asyncio.to_thread(echo.begun.wait, 20)
    return task


async def test_waiting_calls_of_one_question_are_answered_at_once() -> None:
    echo = Echo()
    together = Together(echo)
    first = await first_is_at_work(together, echo)
    others = [
        asyncio.create_task(together.ask(question, texts))
        for question, texts in [("q", ["a", "b"]), ("p", ["c"]), ("q", ["d"])]
    ]
    await asyncio.sleep(0)
    echo.gate.set()
    assert await first == ["q:first"]
    assert await asyncio.gather(*others) == [["q:a", "q:b"], ["p:c"], ["q:d"]]
    assert echo.asked == [("q", ["first"]), ("q", ["a", "b", "d"]), ("p", ["c"])]
    together.close()


async def test_error_is_for_the_call_that_it_is_about() -> None:
    echo = Echo()
    together = Together(echo)
    first = await first_is_at_work(together, echo)
    calls = [asyncio.create_task(together.ask("q", [text])) for text in ("a", "bad", "b")]
    await asyncio.sleep(0)
    echo.gate.set()
    await first
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert found[0] == ["q:a"]
    assert isinstance(found[1], ValueError)
    assert found[2] == ["q:b"]
    assert await together.ask("q", ["after"]) == ["q:after"]
    together.close()


async def test_call_that_nobody_waits_for_is_left_out() -> None:
    echo = Echo()
    together = Together(echo)
    first = await first_is_at_work(together, echo)
    gone, stays = (asyncio.create_task(together.ask("q", [text])) for text in ("gone", "stays"))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    echo.gate.set()
    assert await stays == ["q:stays"]
    assert await first == ["q:first"]
    assert ("q", ["stays"]) in echo.asked
    together.close()


async def test_no_more_than_fits_and_questions_take_turns() -> None:
    echo = Echo()
    together = Together(echo)
    first = await first_is_at_work(together, echo)
    many = [asyncio.create_task(together.ask("q", [str(number)])) for number in range(40)]
    await asyncio.sleep(0)
    other = asyncio.create_task(together.ask("p", ["other"]))
    await asyncio.sleep(0)
    echo.gate.set()
    assert await asyncio.gather(*many) == [[f"q:{number}"] for number in range(40)]
    assert await other == ["p:other"]
    await first
    assert [(question, len(texts)) for question, texts in echo.asked] == [
        ("q", 1),
        ("q", 32),
        ("p", 1),
        ("q", 8),
    ]
    together.close()


async def test_long_call_does_not_wait_for_short_ones() -> None:
    echo, text = Echo(), "x" * LONG
    threads: set[str] = set()

    def answer(question: str, texts: Sequence[str]) -> list[str]:
        threads.add(threading.current_thread().name)
        return echo(question, texts) if text not in texts else [question]

    together = Together(answer)
    first = await first_is_at_work(together, echo)
    assert await together.ask("q", [text]) == ["q"]
    assert not first.done()
    echo.gate.set()
    assert await first == ["q:first"]
    assert len(threads) == 2
    together.close()


async def test_closed_while_calls_wait() -> None:
    echo = Echo()
    together = Together(echo)
    first = await first_is_at_work(together, echo)
    waiting = asyncio.create_task(together.ask("q", ["a"]))
    await asyncio.sleep(0)
    together.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    echo.gate.set()
    assert await first == ["q:first"]
