"""The live stream of a fine-tune."""

from collections.abc import AsyncIterator, Awaitable, Callable

from app.fine_tunes.ledger import Ledger
from app.fine_tunes.repository import FineTuneRepository
from app.fine_tunes.states import TERMINAL, Status
from app.platform.sse import Sight, live
from app.platform.work import Platform


def live_events(
    platform: Platform, fine_tune_id: str, *, after: int, let_in: Callable[[], Awaitable[bool]]
) -> AsyncIterator[str]:
    """Events after sequence `after`, and `progress` whenever it changes, until the job's end."""

    async def look(last: int) -> Sight:
        async with platform.work(write=False) as work:
            rows = FineTuneRepository(work.session)
            row = await Ledger(work).row(fine_tune_id)
            events = await rows.events(fine_tune_id, last, 1000)
        progress = {"status": row.status, "stage": row.stage, "progress": row.progress}
        return Sight(events, progress, Status(row.status) in TERMINAL)

    return live(look, after=after, stopping=platform.stopping, let_in=let_in)
