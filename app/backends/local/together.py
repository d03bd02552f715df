"""Short calls that wait for the same model are answered at once, by one thread.

Python runs one thread at a time, so that two calls side by side only get in each other's way; texts
annotated together cost little more than half of what each costs alone. Long calls have a thread of
their own: a short one need not wait for them.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

Question = TypeVar("Question", bound=Hashable)
Answer = TypeVar("Answer")
Result = TypeVar("Result")

# From so many code points on a call is long: about half a second of work.
LONG = 40_000
_MOST_TEXTS = 32
_MOST_CHARACTERS = 2 * LONG


@dataclass(slots=True)
class _Call(Generic[Answer]):
    texts: Sequence[str]
    characters: int
    future: asyncio.Future[list[Answer]]


class Together(Generic[Question, Answer]):
    """Asks `answer(question, texts)`, which has an answer for each text in order.

    A question is all that the texts of several calls must have in common. `answer` runs in a
    thread; all else is on one event loop.
    """

    def __init__(self, answer: Callable[[Question, Sequence[str]], list[Answer]]) -> None:
        self._answer = answer
        self._short = ThreadPoolExecutor(1, "local-extraction-short")
        self._long = ThreadPoolExecutor(1, "local-extraction-long")
        # In the order in which they are taken up; none is empty.
        self._waiting: OrderedDict[Question, deque[_Call[Answer]]] = OrderedDict()
        self._work: asyncio.Task[None] | None = None

    async def ask(self, question: Question, texts: Sequence[str]) -> list[Answer]:
        """The answers to the texts. Raises whatever `answer` raises for them."""
        loop = asyncio.get_running_loop()
        characters = sum(map(len, texts))
        if characters >= LONG:
            return await loop.run_in_executor(self._long, self._answer, question, texts)
        call = _Call[Answer](texts, characters, loop.create_future())
        self._waiting.setdefault(question, deque()).append(call)
        if self._work is None:
            self._work = loop.create_task(self._work_off())
        return await call.future

    async def run(self, work: Callable[[], Result]) -> Result:
        """What `work` returns, in the thread of long calls."""
        return await asyncio.get_running_loop().run_in_executor(self._long, work)

    def close(self) -> None:
        """Give up all calls that wait; who asked is cancelled."""
        for calls in self._waiting.values():
            for call in calls:
                call.future.cancel()
        self._waiting.clear()
        for executor in (self._short, self._long):
            executor.shutdown(wait=False, cancel_futures=True)

    async def _work_off(self) -> None:
        try:
            while self._waiting:
                question, calls = self._next()
                if calls:
                    await self._answer_all(question, calls)
        finally:
            self._work = None

    def _next(self) -> tuple[Question, list[_Call[Answer]]]:
        """The question whose turn it is, and as many of its calls as fit together."""
        question, waiting = self._waiting.popitem(last=False)
        taken: list[_Call[Answer]] = []
        texts = characters = 0
        while waiting:
            call = waiting[0]
            texts, characters = texts + len(call.texts), characters + call.characters
            if taken and (texts > _MOST_TEXTS or characters > _MOST_CHARACTERS):
                self._waiting[question] = waiting  # behind the other questions
                break
            waiting.popleft()
            if not call.future.done():  # else nobody waits for it any more
                taken.append(call)
        return question, taken

    async def _answer_all(self, question: Question, calls: Sequence[_Call[Answer]]) -> None:
        texts = [text for call in calls for text in call.texts]
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                self._short, self._answer, question, texts
            )
        except Exception as error:
            if len(calls) == 1:
                _settle(calls[0], error)
                return
            for call in calls:  # it may be the fault of one text
                await self._answer_all(question, [call])
            return
        except BaseException:
            for call in calls:
                call.future.cancel()
            raise
        answers = iter(found)
        for call in calls:
            _settle(call, [next(answers) for _ in call.texts])


def _settle(call: _Call[Answer], outcome: list[Answer] | Exception) -> None:
    if call.future.done():
        return
    if isinstance(outcome, Exception):
        call.future.set_exception(outcome)
    else:
        call.future.set_result(outcome)
