"""The composition root: everything is made here, once, from settings, and closed here."""

import asyncio
import gc
import math
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from importlib.metadata import version
from pathlib import Path

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from app import api, docs_pages, health
from app.backends.base import Backend, BackendError
from app.backends.cohere.backend import CohereBackend
from app.backends.cohere_finetune.backend import CohereFinetuneBackend
from app.backends.local.backend import LocalBackend
from app.backends.openai import OpenAIBackend
from app.backends.registry import Backends, as_api_error
from app.backends.rules import RulesBackend
from app.cohere_api.application import create_cohere_api
from app.datasets.service import Datasets
from app.datasets.workflows import dataset_job
from app.evaluations.service import LINK as EVALUATIONS_LINK
from app.evaluations.service import VOCABULARY_LINK as EVALUATIONS_VOCABULARY_LINK
from app.evaluations.service import Evaluations
from app.evaluations.workflows import AT_ONCE as EVALUATIONS_AT_ONCE
from app.evaluations.workflows import QUEUE as EVALUATIONS_QUEUE
from app.evaluations.workflows import evaluation_job
from app.extraction_batches.service import LINK as BATCHES_LINK
from app.extraction_batches.service import VOCABULARY_LINK as BATCHES_VOCABULARY_LINK
from app.extraction_batches.service import ExtractionBatches
from app.extraction_batches.sizing import shard_queue
from app.extraction_batches.workflows import batch_job, shard_job
from app.extraction_batches.workflows import queue_of as shard_queue_of
from app.fine_tunes.service import LINK as FINE_TUNES_LINK
from app.fine_tunes.service import VOCABULARY_LINK
from app.fine_tunes.workflows import fine_tune_job, queue_of
from app.models.service import lineage_link as models_link
from app.platform import problem_json
from app.platform.database import AWAY, REFUSALS, Database, away, refusal
from app.platform.folder_lock import folder_lock, scratch_folder
from app.platform.jobs import Jobs
from app.platform.leftovers import Owners, Sweep, blobs_in_use
from app.platform.lineage import Lineage
from app.platform.queues import Queue
from app.platform.requests import RequestContext
from app.platform.settings import RemoteServer, Settings
from app.platform.storage import create_blobs, create_models
from app.platform.work import Platform
from app.platform.workers import Workers, new_executor
from app.training_files.service import LINK as TRAINING_FILES_LINK
from app.training_files.service import TrainingFiles
from app.training_files.workflows import training_file_job
from app.vocabularies.service import Vocabularies
from app.vocabularies.workflows import vocabulary_job

log = structlog.get_logger(__name__)

DESCRIPTION = """
Fine-tune and serve biomedical extraction models: upload an annotated dataset, build JSONL training
files, launch and follow a fine-tune, and send text to the model of your choice: diseases, chemicals
and the relations between them come back as JSON.

Errors are `application/problem+json` with a stable `code`. Lists are pages with a `next_cursor`.
Creating requests accept an `Idempotency-Key`. Long work answers 202 with a `Location` to follow.
"""

SHORT_JOBS_AT_ONCE = 4
OWNERS: Owners = {
    "ds": Datasets,
    "tf": TrainingFiles,
    "voc": Vocabularies,
    "ev": Evaluations,
    "bat": ExtractionBatches,
}


def create_queues(settings: Settings, backends: Backends) -> dict[str, Queue]:
    """All queues; each backend has some of its own: a slow one must not hold up the others."""
    queues = {"short": Queue(SHORT_JOBS_AT_ONCE), EVALUATIONS_QUEUE: Queue(EVALUATIONS_AT_ONCE)}
    for name, backend in backends:
        if backend.hyperparameters is not None:
            queues[queue_of(name)] = Queue(backend.trainings_at_once)
        if backend.configured:
            queues[shard_queue_of(name)] = shard_queue(settings.calls_per_minute(name))
    return queues


def create_platform(
    settings: Settings, backends: Backends, executor: str | None = None
) -> Platform:
    """The platform of one process; nothing is opened yet. `executor` is the process's name."""
    executor = executor or new_executor(settings.worker_name)
    database = Database(settings.sqlalchemy_url)
    workers = None
    if not database.is_sqlite:
        workers = Workers(
            Database(settings.sqlalchemy_url),
            executor,
            beat_seconds=settings.heartbeat_seconds,
            lost_seconds=settings.worker_lost_seconds,
        )
    return Platform(
        settings=settings,
        database=database,
        blobs=create_blobs(settings),
        jobs=Jobs(
            settings.jobs_url,
            queues=create_queues(settings, backends),
            executor=executor,
            workers=workers,
            patience_seconds=settings.database_patience_seconds,
            shutdown_seconds=settings.shutdown_seconds,
        ),
        scratch=scratch_of(settings, executor),
    )


def scratch_of(settings: Settings, executor: str) -> Path:
    """The folder of a process alone: the data folder, unless others may share that."""
    return settings.data_dir / "workers" / executor if settings.shared else settings.data_dir


def create_backends(settings: Settings, scratch: Path | None = None) -> Backends:
    """All backends; `local:rules` is the untrained base model of the embedded one.

    `scratch` is the folder of this process alone, where the embedded one trains.
    """
    timeout, attempts = settings.remote_timeout_seconds, settings.remote_attempts
    poll_seconds = settings.remote_poll_seconds
    backends: dict[str, Backend] = {
        "local": LocalBackend(
            settings.data_dir / "local",
            jobs=(scratch or settings.data_dir) / "local" / "jobs",
            models=create_models(settings),
            baseline=RulesBackend(),
            max_loaded=settings.loaded_models,
            bulk_processes=settings.bulk_processes,
        )
    }
    for name, server in _named("cohere", settings.cohere, settings.cohere_servers):
        backends[name] = CohereBackend(
            name, server, timeout=timeout, attempts=attempts, poll_seconds=poll_seconds
        )
    for name, server in _named("openai", settings.openai, settings.openai_servers):
        backends[name] = OpenAIBackend(name, server, timeout=timeout, attempts=attempts)
    backends["cohere-finetune"] = CohereFinetuneBackend(
        "cohere-finetune",
        settings.cohere_finetune_url,
        settings.cohere_finetune_dir,
        served_by=backends.get(settings.cohere_finetune_served_by),
        hours=settings.cohere_finetune_hours,
        timeout=timeout,
        attempts=attempts,
        poll_seconds=poll_seconds,
    )
    return Backends(backends)


def _named(
    kind: str, first: RemoteServer, others: Mapping[str, RemoteServer]
) -> Iterator[tuple[str, RemoteServer]]:
    """Names of the backends of one kind, with their servers: `cohere`, `cohere-vault`."""
    yield kind, first
    for name, server in others.items():
        yield f"{kind}-{name}", server


def create_lineage(backends: Backends) -> Lineage:
    """What was built from datasets and vocabularies, and what from that in turn."""
    links = [TRAINING_FILES_LINK, FINE_TUNES_LINK, VOCABULARY_LINK, models_link(backends)]
    links += [EVALUATIONS_LINK, EVALUATIONS_VOCABULARY_LINK]
    return Lineage([*links, BATCHES_LINK, BATCHES_VOCABULARY_LINK])


async def remove_leftovers(platform: Platform) -> None:
    """Delete the bytes that an earlier process was cut off from storing or from deleting.

    Only while no other process is at work, and not in a bucket, for all that is there may be of
    another database: `medtune gc` is for all other cases.
    """
    sweep, blobs = Sweep(math.inf), platform.blobs.objects
    removed = await sweep.files(blobs, blobs_in_use(platform, OWNERS))
    unfinished = await sweep.unfinished(blobs)
    if files := removed.files + unfinished.files:
        log.info("leftovers_removed", files=files)


def _held_folder(platform: Platform) -> AbstractContextManager[None]:
    """The folder that is this process's alone, held."""
    return (scratch_folder if platform.settings.shared else folder_lock)(platform.scratch)


@asynccontextmanager
async def running(
    platform: Platform, backends: Backends, queues: Collection[str] | None = None
) -> AsyncIterator[None]:
    """Everything open for the length of the block; jobs of these queues run here, or of all.

    From when the platform is `stopping`, jobs come to an end.
    """
    with _held_folder(platform):
        if platform.database.is_sqlite:
            await platform.database.migrate()
            if platform.settings.blob_url is None:
                await remove_leftovers(platform)
        for job in (
            dataset_job(platform),
            training_file_job(platform),
            vocabulary_job(platform),
            fine_tune_job(platform, backends),
            evaluation_job(platform, backends),
            batch_job(platform),
            shard_job(platform, backends),
        ):
            platform.jobs.define(job)
        await backends.open()
        if queues is None or queues:
            await platform.jobs.open(queues)
        # What is there now stays: the collector need not go through it again and again.
        gc.freeze()
        ending = asyncio.create_task(_end_jobs(platform))
        try:
            yield
        finally:
            # Jobs first: what is stopped with its backend must not count as failed.
            platform.stopping.set()
            await ending
            await backends.close()
            await platform.database.close()


async def _end_jobs(platform: Platform) -> None:
    await platform.stopping.wait()
    await platform.jobs.close()


def create_parts(settings: Settings) -> tuple[Platform, Backends]:
    """What a process is made of, under a new name."""
    executor = new_executor(settings.worker_name)
    backends = create_backends(settings, scratch_of(settings, executor))
    return create_platform(settings, backends, executor), backends


def create_app(settings: Settings, queues: Collection[str] | None = None) -> FastAPI:
    """The whole service, which runs the jobs of these queues: of all, if nothing is said."""
    platform, backends = create_parts(settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with running(platform, backends, queues):
            yield

    app = FastAPI(
        title="Medtune",
        version=version("medtune"),
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.platform = platform
    app.state.backends = backends
    app.state.lineage = create_lineage(backends)
    app.include_router(api.router)
    app.include_router(health.router)
    app.mount("/cohere", create_cohere_api(platform, backends, app.state.lineage))
    docs_pages.install(app)
    problem_json.install(app)

    async def backend_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, BackendError)
        return problem_json.render(request, as_api_error(error))

    async def database_refusal(request: Request, error: Exception) -> JSONResponse:
        return problem_json.render(request, refusal(error))

    async def database_away(request: Request, error: Exception) -> JSONResponse:
        return problem_json.render(request, away(error))

    app.add_exception_handler(BackendError, backend_error)
    for refused in REFUSALS:
        app.add_exception_handler(refused, database_refusal)
    for gone in AWAY:
        app.add_exception_handler(gone, database_away)

    app.add_middleware(RequestContext, limit=api.body_limit(settings))
    return app
