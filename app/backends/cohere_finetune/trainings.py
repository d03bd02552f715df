"""The trainings in a container, from what is written down of them to what is to be done next.

Launched at most once: what is to be posted is written down before, and what came of it after. A
process that dies in between leaves `posting`, and the next one finds out by the container's files
and status (`judgement.py`); posting again cannot double a training, as the container takes none
while one is in progress and a training that was never begun left no files.
"""

import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from app.backends.base import BackendError, JobState
from app.backends.cohere_finetune.container import Container
from app.backends.cohere_finetune.folder import Attempt, Folder, Phase
from app.backends.cohere_finetune.judgement import Verdict, judge
from app.backends.cohere_finetune.preparing import in_thread
from app.backends.cohere_finetune.states import ENDED, state_of

P = ParamSpec("P")
T = TypeVar("T")

_LONGEST_MESSAGE = 300


class Trainings:
    """What the backend knows of its trainings; of its calls only one at a time may be at work.

    A training may take `limit` seconds, and may wait as long. What the container says against one
    is believed after `doubt` seconds. `clock` gives seconds of the epoch.
    """

    def __init__(
        self,
        container: Container,
        folder: Folder,
        *,
        limit: float,
        doubt: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.container = container
        self.folder = folder
        self.clock = clock
        self._limit = limit
        self._doubt = doubt
        self._doubted_since: dict[str, float] = {}

    async def attempts(self, reference: str) -> list[Attempt]:
        """The trainings of this reference, oldest first."""
        return await files(self.folder.attempts, reference)

    async def advance(self, attempt: Attempt) -> JobState:
        """Find out how it stands, write down what is new, post it if it is its turn."""
        if attempt.record.phase not in ENDED:
            verdict = await self._verdict(attempt)
            if verdict.act == "post":
                attempt = await self._post(attempt)
            elif verdict.act in ("succeeded", "failed", "lost"):
                attempt = await self._write(
                    attempt, verdict.act, code=verdict.code, message=verdict.message
                )
        return await files(state_of, attempt)

    async def _verdict(self, attempt: Attempt) -> Verdict:
        try:
            status = await self.container.status()
        except BackendError:
            # It may have been stopped when it had done its work.
            if attempt.record.phase != "waiting" and await files(lambda: attempt.complete):
                return Verdict("succeeded")
            raise
        reference = attempt.record.reference
        since = self._doubted_since.get(reference)
        verdict = await files(
            lambda: judge(
                attempt,
                status,
                age=self.clock() - attempt.record.since,
                limit=self._limit,
                doubted=since is not None and self.clock() - since >= self._doubt,
            )
        )
        if verdict.act == "doubt":
            self._doubted_since.setdefault(reference, self.clock())
        else:
            self._doubted_since.pop(reference, None)
        return verdict

    async def _post(self, attempt: Attempt) -> Attempt:
        attempt = await self._write(attempt, "posting")
        try:
            answer = await self.container.finetune(attempt.record.body)
        except BackendError:
            await self._write(attempt, "waiting")
            raise
        match answer.kind:
            case "started":
                return await self._write(attempt, "posted")
            case "busy":
                return await self._write(attempt, "waiting")
            case "refused" | "failed":
                code = "invalid_hyperparameters" if answer.kind == "refused" else "backend_failed"
                said = " ".join(answer.message.split())[:_LONGEST_MESSAGE]
                message = f"The trainer refused the training: {said}"
                return await self._write(attempt, "failed", code=code, message=message)
            case "unknown":
                return attempt

    async def cancel(self, attempt: Attempt) -> None:
        """End the training, and the container with it should that be at it, or stuck in it.

        One that has succeeded stays as it is. Raises BackendError, retryable.
        """
        stuck = attempt.record.error_code == "training_stuck"
        if attempt.record.phase in ENDED and not stuck:
            return
        if attempt.record.phase != "waiting":
            if not stuck and (await self._verdict(attempt)).act == "succeeded":
                await self._write(attempt, "succeeded")
                return
            if (await self.container.status()).busy:
                if attempt.record.phase == "posting" and not attempt.begun:
                    raise BackendError(
                        "backend_unavailable",
                        "It is not known yet whose training the trainer is at.",
                        retryable=True,
                    )
                await self.container.terminate()
        await self._write(attempt, "cancelled")

    async def _write(
        self, attempt: Attempt, phase: Phase, *, code: str | None = None, message: str | None = None
    ) -> Attempt:
        """Write down that the attempt is in `phase` from now on."""
        record = attempt.record.model_copy(
            update={
                "phase": phase,
                "since": self.clock(),
                "error_code": code,
                "error_message": message,
            }
        )
        return await files(self.folder.write, attempt, record)


async def files(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of `work` on files, in a thread. Raises BackendError for OSError."""
    return await in_thread(lambda _: work(*args, **kwargs))
