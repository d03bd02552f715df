"""A service whose job engine is not running, and a backend that does what a test wants."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from pydantic import BaseModel

from app.backends.base import (
    DEFAULT_OPTIONS,
    Annotations,
    BaseModelInfo,
    ExtractOptions,
    JobState,
    JobStatus,
    TrainingJob,
)
from app.backends.registry import Backends
from app.fine_tunes.states import Status
from app.fine_tunes.workflows import fine_tune_job
from app.main import create_app
from app.platform.clock import new_id, now
from app.platform.jobs import JobError
from app.platform.settings import Settings
from app.platform.work import Platform
from app.prompts.tasks import Task
from app.tables import DatasetRow, DatasetSplitRow, FineTuneRow, TrainingFileRow


class Backend:
    """Trains nothing: `poll` does what the test wants to happen meanwhile, then has a model."""

    name = "chosen"
    configured = True
    setup_hint: str | None = None
    lists_all_models = True
    hyperparameters: type[BaseModel] | None = None
    trainings_at_once = 1
    poll_seconds = 0.1

    def __init__(self, meanwhile: Callable[[str], Awaitable[object]]) -> None:
        self._meanwhile = meanwhile
        self.models: set[str] = set()

    async def open(self) -> None:
        pass

    async def base_models(self) -> Sequence[BaseModelInfo]:
        return []

    async def extract(
        self,
        model: str,
        texts: Sequence[str],
        tasks: frozenset[Task],
        options: ExtractOptions = DEFAULT_OPTIONS,
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
    backends: Backends
    client: httpx.AsyncClient
    dataset_id: str
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

    async def run(self, fine_tune_id: str, backend: Backend) -> None:
        """Its job as the engine runs it: step after step, and `fail` instead of what comes next."""
        job = fine_tune_job(self.platform, Backends({backend.name: backend}))
        for step in job.steps:
            try:
                await step(fine_tune_id)
            except JobError as error:
                await job.fail(fine_tune_id, error.code, error.message)
                return

    async def fail(self, fine_tune_id: str, backend: Backend) -> None:
        """The last step of a job that failed."""
        job = fine_tune_job(self.platform, Backends({backend.name: backend}))
        await job.fail(fine_tune_id, "training_failed", "It did not work.")

    async def set_training_file(self, status: str) -> None:
        async with self.platform.work(write=True) as work:
            row = await work.session.get_one(TrainingFileRow, self.training_file_id)
            row.status = status

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
async def service(settings: Settings) -> AsyncIterator[Service]:
    app = create_app(settings)
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
        mentions={"Chemical": 1},
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
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield Service(platform, app.state.backends, client, dataset_id, training_file_id)
    await platform.database.close()
