"""What is under `/v1`: each room is mounted once. And how large the bodies of its calls may be."""

from collections.abc import Callable, Sequence

from fastapi import APIRouter, FastAPI
from starlette.types import Scope

from app.datasets.endpoints import router as datasets
from app.datasets.revision_endpoints import router as revisions
from app.evaluations.card_endpoints import router as model_cards
from app.evaluations.endpoints import router as evaluations
from app.extraction_batches.endpoints import router as extraction_batches
from app.extractions.endpoints import router as extractions
from app.fine_tunes.endpoints import router as fine_tunes
from app.keys.endpoints import router as keys
from app.models.endpoints import router as models
from app.notifications.endpoints import router as notifications
from app.platform.headers import header
from app.platform.settings import Settings
from app.training_files.endpoints import router as training_files
from app.vocabularies.endpoints import router as vocabularies

# Each is mounted by itself, for a router within a router costs every request through both.
ROOMS: Sequence[APIRouter] = (
    datasets,
    revisions,
    training_files,
    fine_tunes,
    models,
    extraction_batches,
    evaluations,
    vocabularies,
    model_cards,
    notifications,
    keys,
)


def mount(app: FastAPI) -> None:
    """Mount all rooms."""
    # Routes are tried in order, and this one is called most: it comes first, and not by way of a
    # router that is looked through again for each request.
    app.router.routes.extend(extractions.routes)
    for room in ROOMS:
        app.include_router(room, prefix="/v1")


# Those of the console's forms are here as well.
_UPLOADS = frozenset(
    ["/v1/datasets", "/datasets", "/v1/vocabularies", "/vocabularies", "/cohere/v1/datasets"]
)
_BATCHES = frozenset(["/v1/extraction-batches", "/batches"])


def body_limit(settings: Settings) -> Callable[[Scope], int]:
    """Most bytes of a request's body: of uploads more than of all else."""

    def limit(scope: Scope) -> int:
        if scope["path"] in _BATCHES and not _says_json(scope):
            return settings.max_batch_bytes
        return settings.max_upload_bytes if scope["path"] in _UPLOADS else settings.max_body_bytes

    return limit


def _says_json(scope: Scope) -> bool:
    said = header(scope, b"content-type") or ""
    return said.strip().lower().startswith("application/json")
