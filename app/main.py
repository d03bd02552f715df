"""The composition root: everything is put together here, once, and closed here."""

import asyncio
import gc
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from importlib.metadata import version

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from app import api, docs_pages, health, metrics_page
from app.backends.base import BackendError
from app.backends.registry import Backends, as_api_error
from app.cohere_api.application import create_cohere_api
from app.console import application as console
from app.datasets.service import Datasets
from app.datasets.workflows import dataset_job
from app.entrance import Entrance, needed_scope
from app.evaluations.service import LINK as EVALUATIONS_LINK
from app.evaluations.service import VOCABULARY_LINK as EVALUATIONS_VOCABULARY_LINK
from app.evaluations.service import Evaluations
from app.evaluations.workflows import evaluation_job
from app.expiry import delete_expired
from app.extraction_batches import forgetting
from app.extraction_batches.service import LINK as BATCHES_LINK
from app.extraction_batches.service import VOCABULARY_LINK as BATCHES_VOCABULARY_LINK
from app.extraction_batches.service import ExtractionBatches
from app.extraction_batches.workflows import batch_job, shard_job
from app.fine_tunes.service import LINK as FINE_TUNES_LINK
from app.fine_tunes.service import VOCABULARY_LINK
from app.fine_tunes.workflows import fine_tune_job
from app.keys.doorkeeper import Doorkeeper
from app.models.service import lineage_link as models_link
from app.notifications.workflows import LOOK_SECONDS, notification_job, start_due
from app.notifications.workflows import QUEUE as NOTIFICATIONS_QUEUE
from app.parts import create_parts, remove_plain_leftovers
from app.platform import openapi_file, problem_json
from app.platform.access import EVERYWHERE, acting
from app.platform.chores import for_ever
from app.platform.database import AWAY, REFUSALS, away, refusal
from app.platform.encryption import make_plain_folder, temporary_files_in
from app.platform.folder_lock import folder_lock, scratch_folder
from app.platform.leftovers import Owners, Sweep, blobs_in_use
from app.platform.lineage import Lineage
from app.platform.requests import FASTAPI_TELLS_NOTHING, RequestContext
from app.platform.retention import forget_old
from app.platform.settings import Settings
from app.platform.work import Platform
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

_FORGET_SECONDS = 3600.0
_NOTE_USES_SECONDS = 30.0
_YOUNG_OBJECTS = 10_000  # that are not collected yet
OWNERS: Owners = {
    "ds": Datasets,
    "tf": TrainingFiles,
    "voc": Vocabularies,
    "ev": Evaluations,
    "bat": ExtractionBatches,
}


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


@contextmanager
def _held_folders(platform: Platform) -> Iterator[None]:
    """The folders that are this process's alone, held: the data folder on SQLite, and a scratch
    folder where others share that, or where nothing is to lie in it in plain."""
    settings = platform.settings
    with ExitStack() as held:
        if not settings.shared:
            held.enter_context(folder_lock(settings.data_dir))
        if settings.encryption_keys:
            make_plain_folder(settings)
            remove_plain_leftovers(settings)
        if settings.shared or settings.encryption_keys:
            held.enter_context(scratch_folder(platform.scratch))
        if settings.encryption_keys:
            held.enter_context(temporary_files_in(platform.scratch / "tmp"))
        yield


@asynccontextmanager
async def running(
    platform: Platform, backends: Backends, queues: Collection[str] | None = None
) -> AsyncIterator[None]:
    """Everything open for the length of the block; jobs of these queues run here, or of all.

    From when the platform is `stopping`, jobs come to an end.
    """
    with _held_folders(platform):
        if platform.database.is_sqlite:
            await platform.database.migrate()
            if platform.settings.blob_url is None:
                with acting(EVERYWHERE):
                    await remove_leftovers(platform)
        for job in (
            dataset_job(platform),
            training_file_job(platform),
            vocabulary_job(platform),
            fine_tune_job(platform, backends),
            evaluation_job(platform, backends),
            batch_job(platform),
            shard_job(platform, backends),
            notification_job(platform),
        ):
            platform.jobs.define(job)
        await backends.open()
        if queues is None or queues:
            await platform.jobs.open(queues)
        lineage = create_lineage(backends)
        chores: list[tuple[str, Callable[[], Awaitable[None]], float]] = [
            ("forget_old", lambda: forget_old(platform), _FORGET_SECONDS),
            ("forget_texts", lambda: forgetting.forget_texts(platform), forgetting.LOOK_SECONDS),
            ("delete_expired", lambda: delete_expired(platform, lineage), _FORGET_SECONDS),
        ]
        if queues is None or NOTIFICATIONS_QUEUE in queues:
            chores.append(("start_notifications", start_due(platform), LOOK_SECONDS))
        at_work = [asyncio.create_task(for_ever(*chore)) for chore in chores]
        # What is there now stays: the collector need not go through it again and again, nor look
        # at what a few dozen requests hold that are under way.
        gc.freeze()
        gc.set_threshold(_YOUNG_OBJECTS, 10, 10)
        gc.enable()
        ending = asyncio.create_task(_end_jobs(platform))
        try:
            yield
        finally:
            for chore in at_work:
                chore.cancel()
            # Jobs first: what is stopped with its backend must not count as failed.
            platform.stopping.set()
            await ending
            await backends.close()
            await platform.database.close()
            await asyncio.to_thread(platform.telemetry.tracing.close)


async def _end_jobs(platform: Platform) -> None:
    await platform.stopping.wait()
    await platform.jobs.close()


def create_app(settings: Settings, queues: Collection[str] | None = None) -> FastAPI:
    """The whole service, which runs the jobs of these queues: of all, if nothing is said."""
    platform, backends = create_parts(settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with running(platform, backends, queues):
            noting = asyncio.create_task(
                for_ever("note_key_uses", doorkeeper.note_uses, _NOTE_USES_SECONDS)
            )
            try:
                yield
            finally:
                noting.cancel()
                with suppress(*AWAY):
                    await doorkeeper.note_uses()

    app = FastAPI(
        title="Medtune",
        version=version("medtune"),
        telemetry=FASTAPI_TELLS_NOTHING,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    doorkeeper = Doorkeeper(settings, platform.database)
    app.state.platform = platform
    app.state.doorkeeper = doorkeeper
    app.state.backends = backends
    app.state.lineage = create_lineage(backends)
    api.mount(app)
    app.include_router(health.router)
    app.include_router(metrics_page.router)
    app.mount("/cohere", create_cohere_api(platform, backends, app.state.lineage))
    openapi_file.complete(app, needed_scope)
    docs_pages.install(app)
    console.install(app)
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

    limit = api.body_limit(settings)
    app.add_middleware(
        RequestContext,
        limit=limit,
        entrance=Entrance(settings, doorkeeper),
        telemetry=platform.telemetry,
    )
    return app
