"""Live streams of a job's events: server-sent events (WHATWG HTML, section 9.2)."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from app.platform.database import AWAY

_PAUSE_SECONDS = 0.5
_KEEP_ALIVE_SECONDS = 15.0


class Event(Protocol):
    """Something that happened, as the tables of events have it."""

    @property
    def sequence(self) -> int:
        """Its number, counted from 1."""

    @property
    def type(self) -> str:
        """What happened."""

    @property
    def at(self) -> datetime:
        """When."""

    @property
    def data(self) -> dict[str, Any]:
        """More about it."""


@dataclass(frozen=True, slots=True)
class Sight:
    """How a job stands: events not told yet, its progress, and whether it has ended."""

    events: Sequence[Event]
    progress: Mapping[str, object]
    ended: bool


async def live(
    look: Callable[[int], Awaitable[Sight]],
    *,
    after: int,
    stopping: asyncio.Event,
    let_in: Callable[[], Awaitable[bool]],
) -> AsyncIterator[str]:
    """Events after sequence `after`, and `progress` whenever it changes, until the job's end.

    `look` is given the sequence of the last event told. The stream ends early when the service is
    `stopping` or its database is away: clients of such streams come back, with that sequence. It
    also ends once who asked is not `let_in` any more: their key was revoked meanwhile.
    """
    shown: Mapping[str, object] | None = None
    silent = 0.0
    while not stopping.is_set():
        try:
            if not await let_in():
                return
            sight = await look(after)
        except AWAY:
            return
        for event in sight.events:
            after = event.sequence
            at = event.at.isoformat().replace("+00:00", "Z")
            yield _frame(event.type, {"type": event.type, "at": at, "data": event.data}, after)
        if sight.events or sight.progress != shown:
            shown, silent = sight.progress, 0.0
            yield _frame("progress", sight.progress)
        if sight.ended:
            return
        silent += _PAUSE_SECONDS
        if silent >= _KEEP_ALIVE_SECONDS:
            silent = 0.0
            yield ": still here\n\n"
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), _PAUSE_SECONDS)


def _frame(kind: str, data: Mapping[str, object], sequence: int | None = None) -> str:
    number = "" if sequence is None else f"id: {sequence}\n"
    return f"{number}event: {kind}\ndata: {json.dumps(data)}\n\n"
