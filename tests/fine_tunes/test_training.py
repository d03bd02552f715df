"""A training is watched from its launch to its end, whatever the backend does."""

import asyncio

import pytest

from app.backends.base import BackendError, JobState, JobStatus, TrainingJob
from app.fine_tunes.states import Status
from app.fine_tunes.training import pause_after
from app.platform.settings import Settings
from tests.fine_tunes.serving import Backend, Service, service


class Remote(Backend):
    """A backend far away: handing over takes as long as a test lets it, then the states follow."""

    name = "chosen"

    def __init__(self, states: list[JobState]) -> None:
        super().__init__(lambda _: asyncio.sleep(0))
        self.states = states
        self.hand_over = asyncio.Event()
        self.launches = 0
        self.launched = 0
        self.ended: list[str] = []
        self.forgotten = 0
        self.error: BackendError | None = None
        self.ending = False
        self.slow_to_end, self.away = asyncio.Event(), asyncio.Event()
        self.slow_to_end.set()
        self.away.set()

    async def launch(self, job: TrainingJob) -> None:
        self.launches += 1
        try:
            await self.hand_over.wait()
        finally:
            self.ending = True
            await self.slow_to_end.wait()
        if self.error is not None:
            raise self.error
        self.launched += 1

    async def poll(self, reference: str) -> JobState:
        if not self.launched:
            return JobState(JobStatus.LOST)
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    async def cancel(self, reference: str) -> None:
        await self.away.wait()
        self.ended.append(reference)

    async def forget(self, reference: str) -> None:
        self.forgotten += 1
        raise BackendError("backend_failed", "It does not forget.")


RUNNING = JobState(JobStatus.RUNNING)
DONE = JobState(JobStatus.SUCCEEDED, model="m")


async def told(here: Service, fine_tune_id: str, kind: str) -> list[dict[str, object]]:
    events = await here.client.get(f"/v1/fine-tunes/{fine_tune_id}/events")
    return [event["data"] for event in events.json()["items"] if event["type"] == kind]


async def test_a_launch_that_takes_long_can_be_cancelled(settings: Settings) -> None:
    """What is still being handed over is broken off, ended there, and said to be cancelled."""
    async with service(settings) as here:
        backend, fine_tune_id = Remote([RUNNING]), await here.add()
        job = asyncio.create_task(here.train(fine_tune_id, backend))
        async with asyncio.timeout(60):
            while not backend.launches:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await here.cancel(fine_tune_id)
            await job
        assert (await here.outcome(fine_tune_id))[0] == "cancelled"
        assert (backend.launched, backend.ended) == (0, [fine_tune_id])


async def test_a_launch_that_fails_is_told(settings: Settings) -> None:
    """Its code and its message are those of the fine-tune; nothing is left at the backend."""
    async with service(settings) as here:
        backend, fine_tune_id = Remote([RUNNING]), await here.add()
        backend.error = BackendError("training_data_refused", "Two of them have no answer.")
        backend.hand_over.set()
        await here.run(fine_tune_id, backend)
        fine_tune = (await here.client.get(f"/v1/fine-tunes/{fine_tune_id}")).json()
        assert fine_tune["status"] == "failed"
        assert fine_tune["error"]["code"] == "training_data_refused"
        assert backend.ended == [fine_tune_id]


async def test_a_failure_is_tidied_up_after_by_the_next_process(settings: Settings) -> None:
    """One that ends between telling of the failure and ending the training there."""
    async with service(settings) as here:
        backend, fine_tune_id = Remote([RUNNING]), await here.add(Status.TRAINING)
        backend.away = asyncio.Event()
        failing = asyncio.create_task(here.fail(fine_tune_id, backend))
        async with asyncio.timeout(60):
            while (await here.outcome(fine_tune_id))[0] != "failed":  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        failing.cancel()
        await asyncio.wait({failing})
        assert backend.ended == []
        backend.away.set()
        await here.fail(fine_tune_id, backend)
        assert backend.ended == [fine_tune_id]
        assert (await here.outcome(fine_tune_id))[2] == ["failed"]


async def test_a_success_is_not_ended_by_what_fails_after_it(settings: Settings) -> None:
    async with service(settings) as here:
        backend, fine_tune_id = Remote([DONE]), await here.add()
        backend.hand_over.set()
        await here.train(fine_tune_id, backend)
        await here.fail(fine_tune_id, backend)
        assert (await here.outcome(fine_tune_id))[0] == "succeeded"
        assert backend.ended == []


async def test_the_end_of_the_process_is_not_taken_for_that_of_the_launch(
    settings: Settings,
) -> None:
    """It comes while a launch that is no longer wanted is still on its way out."""
    async with service(settings) as here:
        backend, fine_tune_id = Remote([RUNNING]), await here.add()
        backend.slow_to_end = asyncio.Event()
        job = asyncio.create_task(here.train(fine_tune_id, backend))
        async with asyncio.timeout(60):
            while not backend.launches:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await here.cancel(fine_tune_id)
            while not backend.ending:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            job.cancel()
            await asyncio.sleep(0.01)
            backend.slow_to_end.set()
            await asyncio.wait({job})
        assert job.cancelled()
        assert (await here.outcome(fine_tune_id))[0] == "cancelling"
        assert backend.ended == []


async def test_what_a_backend_loses_is_launched_again(settings: Settings) -> None:
    """LOST before the launch has ended means nothing, after it a new launch; for ever it fails."""
    async with service(settings) as here:
        backend, fine_tune_id = Remote([JobState(JobStatus.LOST), DONE]), await here.add()
        backend.hand_over.set()
        await here.run(fine_tune_id, backend)
        status, _, events = await here.outcome(fine_tune_id)
        assert (status, backend.launches) == ("succeeded", 2)
        assert events == ["preparing", "training", "relaunched", "succeeded"]
        for_ever, again = Remote([JobState(JobStatus.LOST)]), await here.add()
        for_ever.hand_over.set()
        await here.run(again, for_ever)
        assert (await here.outcome(again))[0] == "failed"


async def test_warnings_are_events_once_each(settings: Settings) -> None:
    """However often the backend repeats them."""
    async with service(settings) as here:
        states = [
            JobState(JobStatus.RUNNING, warnings=["a"]),
            JobState(JobStatus.RUNNING, progress=0.5, warnings=["a"]),
            JobState(JobStatus.RUNNING, warnings=["a", "b"]),
            DONE,
        ]
        backend, fine_tune_id = Remote(states), await here.add()
        backend.hand_over.set()
        await here.run(fine_tune_id, backend)
        assert await told(here, fine_tune_id, "warning") == [{"message": "a"}, {"message": "b"}]


async def test_progress_never_falls(settings: Settings) -> None:
    """Of a training that had to begin anew it is what was reached before, until that is passed."""
    async with service(settings) as here:
        fine_tune_id = await here.add()
        seen: list[float] = []

        class Watched(Remote):
            async def poll(self, reference: str) -> JobState:
                fine_tune = (await here.client.get(f"/v1/fine-tunes/{fine_tune_id}")).json()
                seen.append(fine_tune["progress"])
                return await super().poll(reference)

        states = [JobState(JobStatus.RUNNING, progress=share) for share in (0.5, 0.25, 0.75)]
        backend = Watched([*states, DONE])
        backend.hand_over.set()
        await here.run(fine_tune_id, backend)
        assert seen == sorted(seen)
        assert {*seen} == {0, 0.5, 0.75}
        live = {"Accept": "text/event-stream"}
        stream = await here.client.get(f"/v1/fine-tunes/{fine_tune_id}/events", headers=live)
        assert stream.text.rstrip().endswith('"progress": 1.0}')


def test_who_is_away_for_a_day_is_asked_for_every_half_minute() -> None:
    away = BackendError("backend_unavailable", "It is away.", retryable=True)
    assert [pause_after(failures, away) for failures in (0, 1, 4, 5, 2880)] == [1, 2, 16, 30, 30]
    busy = BackendError("backend_unavailable", "It is busy.", retry_after=7)
    assert [pause_after(failures, busy) for failures in (0, 3)] == [7, 8]


async def test_a_success_survives_a_backend_that_does_not_forget(settings: Settings) -> None:
    """Tidying up is no part of the outcome."""
    async with service(settings) as here:
        backend, fine_tune_id = Remote([DONE]), await here.add()
        backend.hand_over.set()
        await here.run(fine_tune_id, backend)
        assert (await here.outcome(fine_tune_id))[0] == "succeeded"
        assert backend.forgotten == 1


@pytest.mark.parametrize("outcome", ["ready", "failed"])
async def test_a_file_that_is_being_built_is_waited_for(settings: Settings, outcome: str) -> None:
    """The fine-tune stays queued until then; a file that fails takes it along."""
    async with service(settings) as here:
        await here.set_training_file("building")
        backend, fine_tune_id = Remote([DONE]), await here.add()
        backend.hand_over.set()
        job = asyncio.create_task(here.run(fine_tune_id, backend))
        await asyncio.sleep(0.1)
        assert await here.outcome(fine_tune_id) == ("queued", None, [])
        await here.set_training_file(outcome)
        await job
        expected = {"ready": "succeeded", "failed": "failed"}[outcome]
        fine_tune = (await here.client.get(f"/v1/fine-tunes/{fine_tune_id}")).json()
        assert fine_tune["status"] == expected
        if outcome == "failed":
            assert fine_tune["error"]["code"] == "training_file_not_ready"


async def test_it_is_repeated_elsewhere_on_the_same_data(settings: Settings) -> None:
    """Another backend has its own defaults; whom it repeats is told."""
    async with service(settings) as here:
        old = await here.add()
        path = f"/v1/fine-tunes/{old}/repeat"
        nowhere = await here.client.post(path, json={})
        assert nowhere.json()["code"] == "unknown_backend"
        answer = await here.client.post(path, json={"backend": "local", "name": "again"})
        assert answer.status_code == 202, answer.text
        new = answer.json()
        assert (new["backend"], new["name"], new["base_model"]) == ("local", "again", None)
        assert new["training_file_id"] == here.training_file_id
        assert new["hyperparameters"]["preset"] == "balanced"
        assert await told(here, new["id"], "queued") == [{"repeats": old}]
        listed = await here.client.post(
            path, json={"backend": "local", "base_model": "local:rules"}
        )
        assert [e["pointer"] for e in listed.json()["errors"]] == ["/base_model"]
        assert "none" in listed.json()["detail"]
        bad = await here.client.post(
            path, json={"backend": "local", "hyperparameters": {"preset": "best"}}
        )
        assert [e["pointer"] for e in bad.json()["errors"]] == ["/hyperparameters/preset"]


async def test_a_backend_that_is_away_is_waited_for(settings: Settings) -> None:
    """However it is away, by launch or by look; it is told once each time, and can be cancelled."""
    async with service(settings) as here:
        backend, fine_tune_id = Remote([DONE]), await here.add()
        backend.hand_over.set()
        backend.error = BackendError("backend_unavailable", "It is away.", retryable=True)
        job = asyncio.create_task(here.run(fine_tune_id, backend))
        async with asyncio.timeout(60):
            while backend.launches < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            backend.error = None
            await job
        status, _, events = await here.outcome(fine_tune_id)
        assert (status, events.count("unreachable")) == ("succeeded", 1)
        assert await told(here, fine_tune_id, "unreachable") == [
            {"code": "backend_unavailable", "message": "It is away."}
        ]
        gone, unwanted = Remote([RUNNING]), await here.add()
        gone.hand_over.set()
        gone.error = BackendError("backend_timeout", "It is slow.", retryable=True, retry_after=30)
        job = asyncio.create_task(here.run(unwanted, gone))
        async with asyncio.timeout(60):
            while not await told(here, unwanted, "unreachable"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await here.cancel(unwanted)
            await job
        assert (await here.outcome(unwanted))[0] == "cancelled"
