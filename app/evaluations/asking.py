"""Asking a model about documents: in small batches, several at a time where it is a server's.

Answers come in the order of the documents. A server that is away for a moment is waited for; a
document that is too long for a server's model counts as one it finds nothing in.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

from app.backends.base import (
    Annotations,
    BackendError,
    ExtractOptions,
    FoundRelation,
    RelatesMentions,
)
from app.backends.registry import as_api_error
from app.evaluations.samples import Sample
from app.evaluations.watch import LOOK_SECONDS
from app.extractions.service import annotate
from app.models.service import ResolvedModel
from app.platform.errors import ApiError
from app.platform.work import Platform
from app.prompts.tasks import Task

_PASSING = frozenset({"backend_unavailable", "backend_timeout"})
_ATTEMPTS = 6
_LONGEST_PAUSE = 30.0

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Way:
    """How a model is asked: texts in one call, calls at a time."""

    batch: int
    at_once: int


# One at a time, so that what is measured of a batch is its own; small, so that progress moves.
_IN_PROCESS = Way(batch=16, at_once=1)
_ELSEWHERE = Way(batch=1, at_once=8)


@dataclass(frozen=True, slots=True)
class Answered:
    """What the model said of each sample, and the seconds it took for all of them.

    `given` are the relations among the annotated mentions, None if the model finds none by itself.
    `too_long` samples could not be read by it.
    """

    samples: Sequence[Sample]
    found: Sequence[Annotations]
    given: Sequence[tuple[FoundRelation, ...]] | None
    seconds: float
    too_long: int = 0


@dataclass(frozen=True)
class Asking:
    """A model with what it is to be asked."""

    platform: Platform
    model: ResolvedModel
    tasks: frozenset[Task]
    options: ExtractOptions

    @property
    def way(self) -> Way:
        """Many texts a call where the calls are made in this process, one elsewhere."""
        return _IN_PROCESS if self.model.backend.name == "local" else _ELSEWHERE

    async def answers(
        self, samples: Iterator[Sample], look: Callable[[], Awaitable[None]]
    ) -> AsyncGenerator[Answered, None]:
        """Answers about all samples, in order; to be closed when it is left early.

        `look` is called between batches, and while one takes long; what it raises ends the asking.
        Raises ApiError when the backend fails for good.
        """
        waiting: deque[asyncio.Task[Answered]] = deque()
        try:
            more = True
            while more or waiting:
                while more and len(waiting) < self.way.at_once:
                    batch = await asyncio.to_thread(lambda: list(islice(samples, self.way.batch)))
                    more = len(batch) == self.way.batch
                    if batch:
                        waiting.append(asyncio.create_task(self._ask(batch)))
                await look()
                while waiting and not waiting[0].done():
                    await asyncio.wait({waiting[0]}, timeout=LOOK_SECONDS)
                    await look()
                if waiting:
                    yield waiting.popleft().result()
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def _ask(self, samples: Sequence[Sample]) -> Answered:
        texts = [sample.document.text for sample in samples]
        seconds = 0.0

        async def timed() -> list[Annotations]:
            nonlocal seconds
            started = time.perf_counter()
            found = await annotate(self.platform, self.model, texts, self.tasks, self.options)
            seconds = time.perf_counter() - started
            return found

        too_long = 0
        try:
            found = await _reach(timed)
        except ApiError as error:
            if error.code != "text_too_long" or len(samples) > 1:
                raise
            found, too_long = [Annotations()], 1
        given = (
            await _reach(lambda: self._relate(samples)) if Task.RELATIONS in self.tasks else None
        )
        return Answered(samples, found, given, seconds, too_long)

    async def _relate(self, samples: Sequence[Sample]) -> list[tuple[FoundRelation, ...]] | None:
        backend = self.model.backend
        if not isinstance(backend, RelatesMentions):
            return None
        # Without the relations that it is to find.
        documents = [replace(sample.document, relations=()) for sample in samples]
        try:
            return await backend.relate(self.model.backend_model, documents)
        except BackendError as error:
            raise as_api_error(error) from None


async def _reach(call: Callable[[], Awaitable[Answer]]) -> Answer:
    """Call a backend; while it is away for a moment, wait and try again."""
    for attempt in range(_ATTEMPTS - 1):
        try:
            return await call()
        except ApiError as error:
            if error.code not in _PASSING:
                raise
            pause = min(max(2.0**attempt, error.retry_after or 0.0), _LONGEST_PAUSE)
        await asyncio.sleep(pause)
    return await call()
