"""The ways of a batch: only those of the table, each written down, and why it ended."""

from itertools import product
from pathlib import Path

import pytest

from app.backends.base import BackendError
from app.extraction_batches.ledger import Ledger
from app.extraction_batches.service import ExtractionBatches
from app.extraction_batches.states import TERMINAL, TRANSITIONS, Status
from tests.extraction_batches.test_jobs import room
from tests.transitions import check_table, refused

WAYS = {
    Status.QUEUED: "preparing cancelled failed",
    Status.PREPARING: "running cancelled failed",
    Status.RUNNING: "succeeded cancelling",
    Status.CANCELLING: "cancelled failed",
    Status.SUCCEEDED: "",
    Status.FAILED: "",
    Status.CANCELLED: "",
}


def test_the_table_is_the_one_drawn_here() -> None:
    """Every pair of states: a change of the ways is a change of this test as well."""
    check_table(TRANSITIONS, TERMINAL, WAYS)


async def test_the_ledger_keeps_to_the_table(tmp_path: Path) -> None:
    """A way of the table is taken and written down; any other is refused and leaves no trace."""
    async with room(tmp_path) as here:
        batch_id = await here.add(1)
        for status, following in product(Status, Status):
            async with here.platform.work(write=True) as work:
                row = await Ledger(work).locked(batch_id)
                row.status, row.finished_at = status.value, None
                before = await Ledger(work).rows.last_event(batch_id)
            allowed = following in WAYS[status].split()
            told = await refused(here.platform, Ledger, batch_id, following)
            assert told is not allowed, (status, following)
            batch = await here.get(batch_id)
            assert batch.status == (following if allowed else status)
            assert (batch.finished_at is not None) == (allowed and following in TERMINAL)
            async with here.platform.work(write=False) as work:
                assert await Ledger(work).rows.last_event(batch_id) == before + allowed


@pytest.mark.parametrize("asked_for", [True, False])
async def test_the_way_to_an_end_says_why(tmp_path: Path, asked_for: bool) -> None:
    """Both wait for shards at work: `cancelled` if a client stopped it, `failed` if its model."""
    async with room(tmp_path) as here:
        batch_id = await here.prepared(40)
        first, second, *_ = await here.active()
        if asked_for:
            await here.cancel(batch_id)
        else:
            here.model.raises = BackendError("model_not_found", "There is no such model.")
            await here.extract(first)
        for shard_id in await here.active():
            await here.extract(shard_id)
        async with here.platform.work(write=False) as work:
            events = (await ExtractionBatches(work).events(batch_id, None, 10)).items
        why = {} if asked_for else {"code": "model_not_found"}
        assert [(each.type, each.data) for each in events[3:]] == [
            ("cancelling", why),
            ("cancelled" if asked_for else "failed", why),
        ]
        assert second not in await here.active()
