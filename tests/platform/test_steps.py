"""Steps wait for what is away, and are let go of when it stays away: they never fail for it."""

import asyncio

import pytest

from app.platform.errors import ApiError
from app.platform.job_kinds import JobError, JobInterruptedError
from app.platform.steps import Steps
from tests.acting import acting_for_anybody

AWAY = [
    ApiError("storage_unavailable", "The blob store does not answer."),
    JobError("storage_unavailable", "The blob store does not answer."),
    ConnectionError("not one of ours"),
]


class Answers:
    """A step that raises what it was given, one after the other, and then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.times = 0

    async def step(self, row_id: str) -> None:
        self.times += 1
        if self.errors:
            raise self.errors.pop(0)


async def run(steps: Steps, answers: Answers) -> list[str] | None:
    steps.begin()
    return await asyncio.to_thread(steps.run, answers.step, "row")


@pytest.mark.parametrize("error", AWAY[:2])
async def test_a_blob_store_that_is_away_is_waited_for(error: Exception) -> None:
    answers = Answers(error)
    assert await run(Steps(2, acting_for_anybody), answers) is None
    assert answers.times == 2


@pytest.mark.parametrize("error", AWAY[:2])
async def test_a_job_is_let_go_of_when_patience_is_over(error: Exception) -> None:
    steps = Steps(0, acting_for_anybody)
    with pytest.raises(JobInterruptedError):
        await run(steps, Answers(error))
    assert steps.given_up == {"row"}


async def test_what_is_not_away_fails_at_once() -> None:
    answers = Answers(JobError("no_good", "It is no good."))
    assert await run(Steps(60, acting_for_anybody), answers) == ["no_good", "It is no good."]
    other = await run(Steps(60, acting_for_anybody), Answers(AWAY[2]))
    assert other is not None
    assert other[0] == "internal_error"
    assert answers.times == 1
