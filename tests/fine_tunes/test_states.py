"""The ways of a fine-tune: only those of the table, and a cancellation that comes at any moment.

No job engine runs here: the tests take the job's steps themselves, on a real database, with a
backend that lets them choose the moment.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import httpx
import pytest

from app.backends.base import (
    DEFAULT_GENERATION,
    Annotations,
    BaseModelInfo,
    Generation,
    JobState,
    JobStatus,
    TrainingJob,
)
from app.backends.registry import Backends
from app.fine_tunes.ledger import Ledger
from app.fine_tunes.repository import FineTuneRepository
from app.fine_tunes.states import TERMINAL, TRANSITIONS, Status
from app.fine_tunes.workflows import fine_tune_job
from app.main import create_app
from app.platform.clock import new_id, now
from app.platform.errors import ApiError
from app.platform.settings import Settings
from app.platform.work import Platform
from app.prompts.tasks import Task
from app.tables import DatasetRow, DatasetSplitRow, FineTuneRow, TrainingFileRow

WAYS = {
    Status.QUEUED: "preparing failed cancelled",
    Status.PREPARING: "training failed cancelling",
    Status.TRAINING: "succeeded failed cancelling",
    Status.CANCELLING: "cancelled",
    Status.SUCCEEDED: "",
    Status.FAILED: "",
    Status.CANCELLED: "",
}


class Backend:
    """Trains nothing: `poll` does what the test wants to happen meanwhile, then has a model."""

    name = "chosen"
    configured = True
    hyperparameters = None
    trainings_at_once = 1
    poll_seconds = 0.1

    def __init__(self, meanwhile: Callable[[str], Awaitable[object]]) -> None:
        self._meanwhile = meanwhile
        self.models: set[str] = set()

    async def base_models(self) -> Sequence[BaseModelInfo]:
        return []

    async def extract(
        self,
        model: str,
        texts: Sequence[str],
        tasks: frozenset[Task],
        generation: Generation = DEFAULT_GENERATION,
    ) -> list[Annotations]:
        return []

    async def launch(self, job: TrainingJob) -> None:
        self.models.add(job.reference)

    async def poll(self, reference: str) -> JobState:
        await self._meanwhile(reference)
        return JobState(JobStatus.SUCCEEDED, progress=1.0, model=reference)

    async def cancel(self, reference: str) -> None:
        pass

    async def forget(self, reference: str) -> None:
        pass

    async def delete_model(self, model: str) -> None:
        self.models.discard(model)

    async def close(self) -> None:
        pass


@dataclass
class Service:
    """A service whose job engine is not running."""

    platform: Platform
    client: httpx.AsyncClient
    training_file_id: str

    async def add(self, status: Status = Status.QUEUED) -> str:
        """The id of a new fine-tune in this status."""
        row = FineTuneRow(
            id=new_id("ft"),
            name="x",
            training_file_id=self.training_file_id,
            backend=Backend.name,
            hyperparameters={},
            status=status.value,
            created_at=now(),
        )
        async with self.platform.work(write=True) as work:
            work.session.add(row)
        return row.id

    async def train(self, fine_tune_id: str, backend: Backend) -> None:
        """Take all steps of its job."""
        for step in fine_tune_job(self.platform, Backends({backend.name: backend})).steps:
            await step(fine_tune_id)

    async def cancel(self, fine_tune_id: str) -> httpx.Response:
        return await self.client.post(f"/v1/fine-tunes/{fine_tune_id}/cancel")

    async def outcome(self, fine_tune_id: str) -> tuple[str, str | None, list[str]]:
        """Status, model, and the types of all events."""
        path = f"/v1/fine-tunes/{fine_tune_id}"
        fine_tune = (await self.client.get(path)).json()
        events = (await self.client.get(f"{path}/events")).json()["items"]
        return fine_tune["status"], fine_tune["model_id"], [event["type"] for event in events]

    async def tuned(self) -> set[str]:
        """Ids of the models in the catalogue that were trained."""
        items = (await self.client.get("/v1/models?limit=1000")).json()["items"]
        return {model["id"] for model in items if model["kind"] == "tuned"}


@asynccontextmanager
async def service(folder: Path) -> AsyncIterator[Service]:
    app = create_app(Settings(data_dir=folder, _env_file=None))
    platform: Platform = app.state.platform
    await platform.database.migrate()
    dataset_id, training_file_id = new_id("ds"), new_id("tf")
    with platform.blobs.writer(dataset_id) as documents:
        documents.write(b'{"i":"1","p":[["title",0,"Aspirin."]]}\n')
    with platform.blobs.writer(training_file_id) as rows:
        rows.write(b"{}\n")
    dataset = DatasetRow(id=dataset_id, name="x", status="ready", created_at=now())
    split = DatasetSplitRow(
        dataset_id=dataset_id,
        name="train",
        position=0,
        blob=documents.key,
        documents=1,
        mentions={},
        relations=0,
        characters=8,
    )
    training_file = TrainingFileRow(
        id=training_file_id,
        dataset_id=dataset_id,
        tasks=["chemicals"],
        splits=["train"],
        text="abstract",
        format="chat",
        template_id="medtune-1",
        template_hash="",
        reference="",
        status="ready",
        blob=rows.key,
        created_at=now(),
    )
    async with platform.work(write=True) as work:
        for row in (dataset, split, training_file):
            work.session.add(row)
            await work.session.flush()
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://medtune") as client:
        yield Service(platform, client, training_file_id)
    await platform.database.close()


def test_the_table_is_the_one_drawn_here() -> None:
    """Every pair of states: a change of the ways is a change of this test as well."""
    for status, following in product(Status, Status):
        assert (following in TRANSITIONS[status]) == (following in WAYS[status].split())
    assert {status for status in Status if not WAYS[status]} == TERMINAL


async def test_the_ledger_keeps_to_the_table(tmp_path: Path) -> None:
    """A way of the table is taken and written down; any other is refused and leaves no trace."""
    async with service(tmp_path) as here:
        for status, following in product(Status, Status):
            fine_tune_id = await here.add(status)
            allowed, refused = following in WAYS[status].split(), False
            try:
                async with here.platform.work(write=True) as work:
                    ledger = Ledger(FineTuneRepository(work.session))
                    await ledger.move(await ledger.locked(fine_tune_id), following)
            except ApiError as error:
                refused = error.code == "conflict"
            assert refused is not allowed, (status, following)
            now_status, _, events = await here.outcome(fine_tune_id)
            assert now_status == (following if allowed else status)
            assert events == ([following.value] if allowed else [])
            fine_tune = (await here.client.get(f"/v1/fine-tunes/{fine_tune_id}")).json()
            ended = allowed and following in {"succeeded", "failed", "cancelled"}
            assert (fine_tune["finished_at"] is not None) == ended


async def test_a_cancellation_beats_a_success_that_is_not_stored(tmp_path: Path) -> None:
    """Cancelled while the backend says it has succeeded: cancelled, and its model is deleted."""
    async with service(tmp_path) as here:
        backend = Backend(here.cancel)
        fine_tune_id = await here.add()
        await here.train(fine_tune_id, backend)
        status, model, events = await here.outcome(fine_tune_id)
        assert (status, model) == ("cancelled", None)
        assert events == ["preparing", "training", "cancelling", "cancelled"]
        assert backend.models == set() == await here.tuned()


async def test_a_success_that_is_stored_stays_one(tmp_path: Path) -> None:
    """Cancelled a moment too late: refused, and the model is there."""
    async with service(tmp_path) as here:
        backend = Backend(lambda _: asyncio.sleep(0))
        fine_tune_id = await here.add()
        await here.train(fine_tune_id, backend)
        answer = await here.cancel(fine_tune_id)
        assert (answer.status_code, answer.json()["code"]) == (409, "not_cancellable")
        status, model, events = await here.outcome(fine_tune_id)
        assert (status, {model}) == ("succeeded", await here.tuned())
        assert events == ["preparing", "training", "succeeded"]
        assert backend.models == {fine_tune_id}


async def test_cancel_and_success_at_once_have_one_winner(tmp_path: Path) -> None:
    """Whichever comes first, a client never sees half of both."""
    async with service(tmp_path) as here:
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
async def test_many_cancel_at_once(tmp_path: Path, status: Status, following: Status) -> None:
    """All are told the same, and it is written down once."""
    async with service(tmp_path) as here:
        fine_tune_id = await here.add(status)
        answers = await asyncio.gather(*(here.cancel(fine_tune_id) for _ in range(10)))
        told = {(answer.status_code, answer.json()["status"]) for answer in answers}
        assert told == {(200, following.value)}
        assert await here.outcome(fine_tune_id) == (following.value, None, [following.value])
