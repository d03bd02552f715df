"""The live stream of a fine-tune: server-sent events (WHATWG HTML, section 9.2)."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping

from app.fine_tunes.ledger import Ledger
from app.fine_tunes.repository import FineTuneRepository
from app.fine_tunes.states import TERMINAL, Status
from app.platform.work import Platform

_PAUSE_SECONDS = 0.5
_KEEP_ALIVE_SECONDS = 15.0


async def live_events(platform: Platform, fine_tune_id: str, *, after: int) -> AsyncIterator[str]:
    """Events after sequence `after`, and `progress` whenever it changes, until the job's end."""
    shown: tuple[object, ...] = ()
    silent = 0.0
    while True:
        async with platform.work(write=False) as work:
            rows = FineTuneRepository(work.session)
            row = await Ledger(rows).row(fine_tune_id)
            events = await rows.events(fine_tune_id, after, 1000)
        for event in events:
            after = event.sequence
            body = {
                "type": event.type,
                "at": event.at.isoformat().replace("+00:00", "Z"),
                "data": event.data,
            }
            yield _frame(event.type, body, after)
        progress = {
            "status": row.status,
            "stage": row.stage,
            "progress": round(row.progress * 100, 1),
        }
        if events or tuple(progress.values()) != shown:
            shown, silent = tuple(progress.values()), 0.0
            yield _frame("progress", progress)
        if Status(row.status) in TERMINAL:
            return
        silent += _PAUSE_SECONDS
        if silent >= _KEEP_ALIVE_SECONDS:
            silent = 0.0
            yield ": still here\n\n"
        await asyncio.sleep(_PAUSE_SECONDS)


def _frame(kind: str, data: Mapping[str, object], sequence: int | None = None) -> str:
    number = "" if sequence is None else f"id: {sequence}\n"
    return f"{number}event: {kind}\ndata: {json.dumps(data)}\n\n"
