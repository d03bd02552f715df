"""The ways of a fine-tune: only those of the table, and a cancellation that comes at any moment.

No job engine runs here: the tests take the job's steps themselves, on a real database, with a
backend that lets them choose the moment.
"""

import asyncio
from itertools import product

import httpx
import pytest

from app.fine_tunes.ledger import Ledger
from app.fine_tunes.states import TERMINAL, TRANSITIONS, Status
from app.platform.settings import Settings
from tests.fine_tunes.serving import Backend, service
from tests.transitions import check_table, refused

WAYS = {
    Status.QUEUED: "preparing failed cancelled",
    Status.PREPARING: "training failed cancelling",
    Status.TRAINING: "succeeded failed cancelling",
    Status.CANCELLING: "cancelled",
    Status.SUCCEEDED: "",
    Status.FAILED: "",
    Status.CANCELLED: "",
}


def test_the_table_is_the_one_drawn_here() -> None:
    """Every pair of states: a change of the ways is a change of this test as well."""
    check_table(TRANSITIONS, TERMINAL, WAYS)


async def test_the_ledger_keeps_to_the_table(settings: Settings) -> None:
    """A way of the table is taken and written down; any other is refused and leaves no trace."""
    async with service(settings) as here:
        for status, following in product(Status, Status):
            fine_tune_id = await here.add(status)
            allowed = following in WAYS[status].split()
            told = await refused(here.platform, Ledger, fine_tune_id, following)
            assert told is not allowed, (status, following)
            now_status, _, events = await here.outcome(fine_tune_id)
            assert now_status == (following if allowed else status)
            assert events == ([following.value] if allowed else [])
            fine_tune = (await here.client.get(f"/v1/fine-tunes/{fine_tune_id}")).json()
            ended = allowed and following in {"succeeded", "failed", "cancelled"}
            assert (fine_tune["finished_at"] is not None) == ended


async def test_a_cancellation_beats_a_success_that_is_not_stored(settings: Settings) -> None:
    """Cancelled while the backend says it has succeeded: cancelled, and its model is deleted."""
    async with service(settings) as here:
        backend = Backend(here.cancel)
        fine_tune_id = await here.add()
        await here.train(fine_tune_id, backend)
        status, model, events = await here.outcome(fine_tune_id)
        assert (status, model) == ("cancelled", None)
        assert events == ["preparing", "training", "cancelling", "cancelled"]
        assert backend.models == set() == await here.tuned()


async def test_a_success_that_is_stored_stays_one(settings: Settings) -> None:
    """Cancelled a moment too late: refused, and the model is there."""
    async with service(settings) as here:
        backend = Backend(lambda _: asyncio.sleep(0))
        fine_tune_id = await here.add()
        await here.train(fine_tune_id, backend)
        answer = await here.cancel(fine_tune_id)
        assert (answer.status_code, answer.json()["code"]) == (409, "not_cancellable")
        status, model, events = await here.outcome(fine_tune_id)
        assert (status, {model}) == ("succeeded", await here.tuned())
        assert events == ["preparing", "training", "succeeded"]
        assert backend.models == {fine_tune_id}


async def test_cancel_and_success_at_once_have_one_winner(settings: Settings) -> None:
    """Whichever comes first, a client never sees half of both."""
    async with service(settings) as here:
        for moment in range(12):
            answers: list[asyncio.Task[httpx.Response]] = []

            async def meanwhile(
                reference: str,
                moment: int = moment,
                answers: list[asyncio.Task[httpx.Response]] = answers,
            ) -> None:
                if not answers:
                    answers.append(asyncio.create_task(here.cancel(reference)))
                for _ in range(moment):
                    await asyncio.sleep(0.0005)

            backend, fine_tune_id = Backend(meanwhile), await here.add()
            before = await here.tuned()
            await here.train(fine_tune_id, backend)
            (answer,) = await asyncio.gather(*answers)
            status, model, events = await here.outcome(fine_tune_id)
            assert len({"succeeded", "cancelled"} & set(events)) == 1, events
            if answer.status_code == 409:
                assert (status, {model}) == ("succeeded", await here.tuned() - before)
                assert backend.models == {fine_tune_id}
            else:
                assert (answer.status_code, status, model) == (200, "cancelled", None)
                assert await here.tuned() == before
                assert backend.models == set()


@pytest.mark.parametrize(
    ("status", "following"),
    [
        (Status.QUEUED, Status.CANCELLED),
        (Status.PREPARING, Status.CANCELLING),
        (Status.TRAINING, Status.CANCELLING),
    ],
)
async def test_many_cancel_at_once(settings: Settings, status: Status, following: Status) -> None:
    """All are told the same, and it is written down once."""
    async with service(settings) as here:
        fine_tune_id = await here.add(status)
        answers = await asyncio.gather(*(here.cancel(fine_tune_id) for _ in range(10)))
        told = {(answer.status_code, answer.json()["status"]) for answer in answers}
        assert told == {(200, following.value)}
        assert await here.outcome(fine_tune_id) == (following.value, None, [following.value])
