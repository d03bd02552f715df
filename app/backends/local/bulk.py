"""Many texts annotated in processes of their own: all cores, and none of the service's own time.

A process keeps its model loaded, is kept for a while after its work, and ends with the service.
Texts are handed out in chunks. When a process dies over a chunk, its texts are tried again in
smaller ones, until the text that killed it is alone: that one fails, and no other.
"""

import asyncio
import json
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from app.backends.base import Annotations, BackendError
from app.backends.local.bulk_wire import LENGTH_BYTES, Model, error_unpacked, unpacked
from app.backends.local.environment import environment

Answer = Annotations | BackendError

_CHUNK_TEXTS = 32
_CHUNK_CHARACTERS = 60_000
_SMALLER = 8  # into so many parts goes a chunk that a process died over
_TRIES_ALONE = 2  # the first process may have been killed by someone else
_MOST_DEATHS = 30  # in one batch, before the texts of a chunk are given up together
_LONGEST_CHUNK = 900.0  # seconds


class BulkProcesses:
    """At most `processes` of them (None: one for each core), each kept `idle_seconds` without work.

    `module` is what they run. All on one event loop.
    """

    def __init__(
        self,
        processes: int | None = None,
        *,
        idle_seconds: float = 60.0,
        module: str = "app.backends.local.bulk_process",
    ) -> None:
        self.most = processes or _cores()
        self._idle_seconds = idle_seconds
        self._module = module
        self._gate = asyncio.Semaphore(self.most)
        self._idle: list[_Process] = []
        self._busy: set[_Process] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    async def annotate(self, model: Model, texts: Sequence[str]) -> list[Answer]:
        """The annotations of each text in order, or a BackendError that says why there are none.

        Raises BackendError if it is the same for all texts. Cancelled, it kills the processes that
        are at work for it.
        """
        batch = _Batch(self, model, texts)
        workers = min(self.most, len(batch.waiting))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(batch.work())
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return batch.answers

    @asynccontextmanager
    async def process(self, model: str) -> AsyncIterator["_Process"]:
        """A process to ask, once there is one; it is killed if whoever uses it raises."""
        async with self._gate:
            process = await self._take(model)
            self._busy.add(process)
            try:
                yield process
            except BaseException:
                self._end(process)
                raise
            else:
                process.retirement = asyncio.get_running_loop().call_later(
                    self._idle_seconds, self._retire, process
                )
                self._idle.append(process)
            finally:
                self._busy.discard(process)

    async def close(self) -> None:
        """End all processes; returns when they are gone."""
        self._closed = True
        for process in (*self._idle, *self._busy):
            self._end(process)
        self._idle.clear()
        await asyncio.gather(*self._ending)

    async def _take(self, model: str) -> "_Process":
        """An idle process, best with the model loaded, or a new one while there may be more."""
        if self._closed:
            raise BackendError("backend_unavailable", "The backend is closed.", retryable=True)
        for each in [each for each in self._idle if each.gone]:
            self._idle.remove(each)
            each.keep()
        loaded = next((each for each in self._idle if each.model == model), None)
        if loaded is None and len(self._idle) + len(self._busy) < self.most:
            return await _start(self._module)
        process = loaded or self._idle[0]
        self._idle.remove(process)
        process.keep()
        return process

    def _retire(self, process: "_Process") -> None:
        self._idle.remove(process)
        self._end(process)

    def _end(self, process: "_Process") -> None:
        ending = asyncio.get_running_loop().create_task(process.end())
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)


class _Batch:
    """The texts of one call: which chunks (positions) wait, with how often each was tried."""

    def __init__(self, processes: BulkProcesses, model: Model, texts: Sequence[str]) -> None:
        self._processes = processes
        self._model = model
        self._texts = texts
        self._deaths = self._unloaded = 0
        self.answers: list[Answer] = [_failed()] * len(texts)
        self.waiting = deque((chunk, 1) for chunk in _chunks(texts))

    async def work(self) -> None:
        """Take chunks until none waits. Raises BackendError."""
        while self.waiting:
            chunk, tries = self.waiting.popleft()
            try:
                async with self._processes.process(self._model.name) as process:
                    found = await process.ask(self._model, self._texts[chunk.start : chunk.stop])
            except _DiedError as died:
                self._note(died, chunk, tries)
                continue
            if isinstance(found, BackendError):
                raise found
            for position, annotations in zip(chunk, found, strict=True):
                self.answers[position] = annotations or _failed()

    def _note(self, died: "_DiedError", chunk: range, tries: int) -> None:
        """Try in smaller parts, or alone once more; what is given up has failed."""
        if died.loading:
            # A process that was kept may have been killed while it had no work.
            self._unloaded += 1
            if self._unloaded > self._processes.most + 1:
                raise _cannot_load() from None
            self.waiting.append((chunk, tries))
            return
        self._deaths += 1
        if self._deaths > _MOST_DEATHS:
            return
        if len(chunk) > 1:
            step = -(-len(chunk) // _SMALLER)
            parts = (chunk[start : start + step] for start in range(0, len(chunk), step))
            self.waiting.extend((part, 1) for part in parts)
        elif tries < _TRIES_ALONE:
            self.waiting.append((chunk, tries + 1))


class _DiedError(Exception):
    """A process ended or did not answer; `loading`: before it had seen to any text."""

    def __init__(self, *, loading: bool) -> None:
        super().__init__()
        self.loading = loading


class _Process:
    """A process that is asked for one chunk at a time; `model` is the one it used last."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.model = ""
        self.retirement: asyncio.TimerHandle | None = None

    @property
    def gone(self) -> bool:
        """Whether it is known to have ended."""
        return self._process.returncode is not None

    async def ask(
        self, model: Model, texts: Sequence[str]
    ) -> list[Annotations | None] | BackendError:
        """What was found in each text, None where the engine broke; or why nothing can be.

        Raises _DiedError.
        """
        loading = True
        self.model = model.name
        try:
            async with asyncio.timeout(_LONGEST_CHUNK):
                await self._send(model.request(texts))
                if (error := error_unpacked(await self._receive())) is not None:
                    return error
                loading = False
                found = (await self._receive())["found"]
        except (OSError, EOFError):  # a TimeoutError is an OSError
            raise _DiedError(loading=loading) from None
        return [None if lists is None else unpacked(lists) for lists in found]

    def keep(self) -> None:
        """Do not end it for want of work."""
        if self.retirement is not None:
            self.retirement.cancel()

    async def end(self) -> None:
        """Kill it; returns when it is gone."""
        self.keep()
        # asyncio's own kill could take its exit code away from whoever waits for it.
        if not self.gone:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    async def _send(self, frame: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(frame)
        await self._process.stdin.drain()

    async def _receive(self) -> Mapping[str, Any]:
        assert self._process.stdout is not None
        length = await self._process.stdout.readexactly(LENGTH_BYTES)
        body = await self._process.stdout.readexactly(int.from_bytes(length, "little"))
        message: Mapping[str, Any] = json.loads(body)
        return message


async def _start(module: str) -> _Process:
    """A new process, which reads from us and ends when we do."""
    return _Process(
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment(),
            start_new_session=True,  # an interrupt at the terminal is for the service to handle
        )
    )


def _chunks(texts: Sequence[str]) -> Iterator[range]:
    """Positions of texts that are asked about together, in order."""
    start = characters = 0
    for position, text in enumerate(texts):
        full = position - start == _CHUNK_TEXTS or characters + len(text) > _CHUNK_CHARACTERS
        if position > start and full:
            yield range(start, position)
            start, characters = position, 0
        characters += len(text)
    if texts:
        yield range(start, len(texts))


def _cores() -> int:
    """How many cores this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _failed() -> BackendError:
    return BackendError("backend_failed", "The model cannot annotate this text.")


def _cannot_load() -> BackendError:
    # Not to be tried again: whoever did so in a process that cannot be spared would lose that, too.
    what = "Processes ended while they loaded the model; they may have run out of memory."
    return BackendError("backend_failed", what)
