"""The live stream of a batch."""

from collections.abc import AsyncIterator, Awaitable, Callable

from app.extraction_batches.ledger import Ledger
from app.extraction_batches.service import ExtractionBatches
from app.extraction_batches.states import TERMINAL
from app.platform.sse import Sight, live
from app.platform.work import Platform

_SHOWN = frozenset({"status", "documents", "succeeded", "failed", "progress", "rate"})


def live_events(
    platform: Platform, batch_id: str, *, after: int, let_in: Callable[[], Awaitable[bool]]
) -> AsyncIterator[str]:
    """Events after sequence `after`, and `progress` whenever it changes, until the batch's end."""

    async def look(last: int) -> Sight:
        async with platform.work(write=False) as work:
            batch = await ExtractionBatches(work).get(batch_id)
            events = await Ledger(work).rows.events(batch_id, last, 1000)
        progress = batch.model_dump(mode="json", include={*_SHOWN, "seconds_left"})
        return Sight(events, progress, batch.status in TERMINAL)

    return live(look, after=after, stopping=platform.stopping, let_in=let_in)
