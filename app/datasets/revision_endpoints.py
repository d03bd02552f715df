"""`/v1/datasets/{dataset_id}/revisions`."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from app.datasets.revision_schemas import Revision
from app.datasets.revisions import revise
from app.datasets.schemas import Dataset
from app.platform.http import PlatformDep
from app.platform.idempotency import IdempotencyKey
from app.platform.problem_json import problem_responses

router = APIRouter(prefix="/datasets", tags=["datasets"])


@router.post(
    "/{dataset_id}/revisions",
    operation_id="createDatasetRevision",
    summary="Make a new version with corrected documents",
    status_code=202,
    response_model=Dataset,
    responses=problem_responses(
        "malformed_request",
        "not_found",
        "dataset_not_ready",
        "idempotency_key_reused",
        "body_too_large",
        "unsupported_media_type",
        "invalid_request",
        "unknown_split",
        "storage_unavailable",
        "storage_full",
    ),
)
async def create_dataset_revision(
    platform: PlatformDep,
    dataset_id: Annotated[
        str,
        Path(
            max_length=100,
            description="The dataset to begin with; it stays as it is.",
            examples=["ds_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"],
        ),
    ],
    revision: Revision,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """A new dataset: the documents of this one, with those given instead of or besides them.

    Answers at once; the new dataset becomes `ready` or `failed`, and its report says why.
    """
    return await revise(platform, dataset_id, revision, idempotency_key)
