"""What a process is made of, made from settings; nothing is opened here yet."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from app.backends.base import Backend
from app.backends.cohere.backend import CohereBackend
from app.backends.cohere_finetune.backend import CohereFinetuneBackend
from app.backends.local.backend import LocalBackend
from app.backends.openai import OpenAIBackend
from app.backends.registry import Backends
from app.backends.rules import RulesBackend
from app.evaluations.workflows import AT_ONCE as EVALUATIONS_AT_ONCE
from app.evaluations.workflows import QUEUE as EVALUATIONS_QUEUE
from app.extraction_batches.sizing import shard_queue
from app.extraction_batches.workflows import CUT_AT_ONCE
from app.extraction_batches.workflows import QUEUE as BATCHES_QUEUE
from app.extraction_batches.workflows import queue_of as shard_queue_of
from app.fine_tunes.workflows import FOLDER as TRAININGS
from app.fine_tunes.workflows import queue_of
from app.notifications.workflows import AT_ONCE as NOTIFICATIONS_AT_ONCE
from app.notifications.workflows import QUEUE as NOTIFICATIONS_QUEUE
from app.platform.folder_lock import remove_dead_scratch
from app.platform.making import WORKERS, make_platform, scratch_of
from app.platform.queues import Queue
from app.platform.remote_settings import RemoteServer
from app.platform.settings import Settings
from app.platform.storage import create_models, drop_plain_copies
from app.platform.telemetry import Telemetry, create_telemetry
from app.platform.work import Platform
from app.platform.workers import new_executor

_SHORT_JOBS_AT_ONCE = 4
_LOCAL_JOBS = "local/jobs"


def create_parts(settings: Settings) -> tuple[Platform, Backends]:
    """What a process is made of, under a new name."""
    executor = new_executor(settings.worker_name)
    telemetry = create_telemetry(settings, executor)
    backends = create_backends(settings, scratch_of(settings, executor), telemetry)
    return create_platform(settings, backends, executor, telemetry), backends


def create_queues(settings: Settings, backends: Backends) -> dict[str, Queue]:
    """All queues; each backend has some of its own: a slow one must not hold up the others."""
    queues = {
        "short": Queue(_SHORT_JOBS_AT_ONCE),
        BATCHES_QUEUE: Queue(CUT_AT_ONCE),
        EVALUATIONS_QUEUE: Queue(EVALUATIONS_AT_ONCE),
        NOTIFICATIONS_QUEUE: Queue(NOTIFICATIONS_AT_ONCE),
    }
    for name, backend in backends:
        if backend.hyperparameters is not None:
            queues[queue_of(name)] = Queue(backend.trainings_at_once)
        if backend.configured:
            queues[shard_queue_of(name)] = shard_queue(settings.calls_per_minute(name))
    return queues


def create_platform(
    settings: Settings,
    backends: Backends,
    executor: str | None = None,
    telemetry: Telemetry | None = None,
) -> Platform:
    """The platform of one process; nothing is opened yet. `executor` is the process's name."""
    return make_platform(
        settings,
        create_queues(settings, backends),
        executor or new_executor(settings.worker_name),
        telemetry or Telemetry(),
    )


def remove_plain_leftovers(settings: Settings) -> None:
    """Remove what lies in the data folder from before there were keys: copies, and what had been
    laid out for trainings, which they lay out again."""
    drop_plain_copies(settings)
    remove_dead_scratch(settings.data_dir / WORKERS)
    for name in (TRAININGS, _LOCAL_JOBS):
        shutil.rmtree(settings.data_dir / name, ignore_errors=True)


def create_backends(
    settings: Settings, scratch: Path | None = None, telemetry: Telemetry | None = None
) -> Backends:
    """All backends; `local:rules` is the untrained base model of the embedded one.

    `scratch` is the folder of this process alone, where the embedded one trains.
    """
    timeout, attempts = settings.remote_timeout_seconds, settings.remote_attempts
    poll_seconds = settings.remote_poll_seconds
    backends: dict[str, Backend] = {
        "local": LocalBackend(
            settings.data_dir / "local",
            jobs=(scratch or settings.data_dir) / _LOCAL_JOBS,
            models=create_models(settings, scratch),
            baseline=RulesBackend(),
            max_loaded=settings.loaded_models,
            bulk_processes=settings.bulk_processes,
        )
    }
    for name, server in _named("cohere", settings.cohere, settings.cohere_servers):
        backends[name] = CohereBackend(
            name,
            server,
            timeout=timeout,
            attempts=attempts,
            poll_seconds=poll_seconds,
            telemetry=telemetry,
        )
    for name, server in _named("openai", settings.openai, settings.openai_servers):
        backends[name] = OpenAIBackend(
            name, server, timeout=timeout, attempts=attempts, telemetry=telemetry
        )
    backends["cohere-finetune"] = CohereFinetuneBackend(
        "cohere-finetune",
        settings.cohere_finetune_url,
        settings.cohere_finetune_dir,
        served_by=backends.get(settings.cohere_finetune_served_by),
        hours=settings.cohere_finetune_hours,
        timeout=timeout,
        attempts=attempts,
        poll_seconds=poll_seconds,
        telemetry=telemetry,
    )
    return Backends(backends)


def _named(
    kind: str, first: RemoteServer, others: Mapping[str, RemoteServer]
) -> Iterator[tuple[str, RemoteServer]]:
    """Names of the backends of one kind, with their servers: `cohere`, `cohere-vault`."""
    yield kind, first
    for name, server in others.items():
        yield f"{kind}-{name}", server
