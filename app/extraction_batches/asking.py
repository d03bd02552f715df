"""Asking a model about the texts of a shard, patiently: what fails costs one text, not the shard.

A text that fails in a way that may pass is asked about again, after a pause that grows. A server
that is away altogether is waited for by all who ask, longer and longer, until patience ends.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import structlog

from app.backends.base import Annotations, BackendError, ExtractOptions, ExtractsBatches
from app.backends.observed import observed
from app.backends.registry import as_api_error
from app.extraction_batches.entries import Fault
from app.models.service import ResolvedModel
from app.platform.telemetry import Telemetry
from app.prompts.tasks import Task
from app.terminology.concepts import VocabularyError

log = structlog.get_logger(__name__)

# What no text of the batch will be answered for: it ends the batch.
ENDING = frozenset({"model_not_found", "retired", "capability_unavailable"}) | frozenset(
    {"min_precision_unavailable", "vocabulary_not_ready"}
)
_AWAY = "backend_unavailable"
_ATTEMPTS = 5  # for one text; a server of ours has tried each some times by itself
_LONGEST_PAUSE, _LONGEST_ASKED_FOR = 300.0, 3600.0  # of our own, and of a server's Retry-After
_BROKE = Fault("backend_failed", "The model broke on this text.")

Outcome = Annotations | Fault
Sleep = Callable[[float], Awaitable[None]]
Answer = TypeVar("Answer")


@dataclass
class Patience:
    """How long a server that is away is waited for: `seconds` from when it last answered."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    _answered: float = field(init=False)

    def __post_init__(self) -> None:
        self._answered = self.clock()

    def answered(self) -> None:
        """A sign of life."""
        self._answered = self.clock()

    @property
    def left(self) -> float:
        """Seconds until nothing more is hoped for."""
        return self._answered + self.seconds - self.clock()


@dataclass(frozen=True, slots=True)
class Way:
    """How a model is asked: texts in one call, calls at a time."""

    texts: int
    at_once: int


_IN_PROCESS = Way(texts=50, at_once=1)
_ELSEWHERE = Way(texts=1, at_once=16)


@dataclass(frozen=True)
class Asking:
    """A model with what it is to be asked; `reference` names the shard for ever."""

    reference: str
    model: ResolvedModel
    tasks: frozenset[Task]
    options: ExtractOptions
    patience: Patience
    sleep: Sleep = asyncio.sleep
    telemetry: Telemetry = field(default_factory=Telemetry)

    async def answers(self, texts: Sequence[str]) -> list[Outcome]:
        """For each text what was found, or why nothing was.

        Raises BackendError if no text of the batch can be answered (its code is in ENDING), and
        VocabularyError.
        """
        if not texts:
            return []
        outcomes = await self._by_batch(texts)
        left = [place for place, outcome in enumerate(outcomes) if outcome is None]
        way = _IN_PROCESS if self.model.backend.name == "local" else _ELSEWHERE
        gate = asyncio.Semaphore(way.at_once)

        async def some(places: Sequence[int]) -> None:
            async with gate:
                found = await self._some([texts[place] for place in places])
            for place, outcome in zip(places, found, strict=True):
                outcomes[place] = outcome

        try:
            async with asyncio.TaskGroup() as group:
                for start in range(0, len(left), way.texts):
                    group.create_task(some(left[start : start + way.texts]))
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return [_BROKE if outcome is None else outcome for outcome in outcomes]

    async def _by_batch(self, texts: Sequence[str]) -> list[Outcome | None]:
        """By the backend's own way to annotate many texts; None: still to be asked about."""
        backend, unasked = self.model.backend, [None] * len(texts)
        if not isinstance(backend, ExtractsBatches):
            return list(unasked)
        options = replace(self.options, template=self.model.template)

        async def ask() -> list[Annotations | BackendError] | None:
            extracting = backend.extract_batch(
                self.reference, self.model.backend_model, texts, self.tasks, options
            )
            told = self.telemetry, self.model.backend.name, self.model.id, texts
            return await observed(*told, extracting, "batch")

        answer = await self._reach(ask)
        if answer is None:
            return list(unasked)
        if isinstance(answer, BackendError):
            return list(unasked) if answer.retryable else [_fault(answer)] * len(texts)
        return [None if _may_pass(each) else _settled(each) for each in answer]

    async def _some(self, texts: Sequence[str]) -> Sequence[Outcome]:
        """By one call; if that fails for more than one text, each by itself."""
        options = replace(self.options, template=self.model.template)

        async def ask() -> list[Annotations]:
            backend, called = self.model.backend, self.model.backend_model
            extracting = backend.extract(called, texts, self.tasks, options)
            return await observed(self.telemetry, backend.name, self.model.id, texts, extracting)

        failed = _BROKE
        try:
            answer = await self._reach(ask)
            if not isinstance(answer, BackendError):
                return answer
            failed = _fault(answer)
        except (BackendError, VocabularyError):
            raise
        except Exception as error:
            # Without its message, which may hold text.
            log.warning("extraction_broke", id=self.reference, error=type(error).__name__)
        if len(texts) == 1:
            return [failed]
        return [outcome for text in texts for outcome in await self._some([text])]

    async def _reach(self, ask: Callable[[], Awaitable[Answer]]) -> Answer | BackendError:
        """The answer, or the error that is left when asking again has not helped."""
        failed = away = 0
        while True:
            try:
                answer = await ask()
            except BackendError as error:
                if error.code in ENDING:
                    raise
                if not error.retryable:
                    self.patience.answered()
                    return error
                if error.code == _AWAY:
                    away += 1
                    left = self.patience.left
                    pause = min(_pause(away, error), left)
                    if left <= 0:
                        return error
                else:
                    failed += 1
                    pause = _pause(failed, error)
                    if failed >= _ATTEMPTS:
                        return error
            else:
                self.patience.answered()
                return answer
            await self.sleep(pause)


def _pause(times: int, error: BackendError) -> float:
    """Seconds: 1, 2, 4, ..., or what the server asks for, but no more than an hour."""
    asked_for = min(error.retry_after or 0.0, _LONGEST_ASKED_FOR)
    return max(min(2.0 ** min(times - 1, 10), _LONGEST_PAUSE), asked_for)


def _may_pass(answer: Annotations | BackendError) -> bool:
    return isinstance(answer, BackendError) and answer.retryable


def _settled(answer: Annotations | BackendError) -> Outcome:
    return _fault(answer) if isinstance(answer, BackendError) else answer


def _fault(error: BackendError) -> Fault:
    return Fault(as_api_error(error).code, error.message)
