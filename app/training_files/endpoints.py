"""`/v1/training-files`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from starlette.responses import StreamingResponse

from app.platform.downloads import download
from app.platform.http import Cursor, Limit, LineageDep, PlatformDep, ReadWork, WriteWork
from app.platform.idempotency import IdempotencyKey, created, fingerprint
from app.platform.pagination import Page
from app.platform.problem_json import problem_responses
from app.training_files.contents import local_file, there
from app.training_files.schemas import TrainingFile, TrainingFileRequest
from app.training_files.service import TrainingFiles

router = APIRouter(prefix="/training-files", tags=["training files"])

TrainingFileId = Annotated[
    str, Path(max_length=100, examples=["tf_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])
]


async def reading(work: ReadWork) -> TrainingFiles:
    """The room's service in a transaction for reading."""
    return TrainingFiles(work)


Reading = Annotated[TrainingFiles, Depends(reading)]


@router.post(
    "",
    operation_id="createTrainingFile",
    summary="Build a JSONL training file",
    status_code=202,
    response_model=TrainingFile,
    responses=problem_responses(
        "malformed_request",
        "not_found",
        "dataset_not_ready",
        "idempotency_key_reused",
        "body_too_large",
        "invalid_request",
        "unknown_split",
    ),
)
async def create_training_file(
    work: WriteWork, request: TrainingFileRequest, idempotency_key: IdempotencyKey = None
) -> Response:
    """Render prompts and answers from a dataset.

    Answers at once; the file can be downloaded when its status is `ready`.
    """

    async def create() -> tuple[str, TrainingFile]:
        training_file = await TrainingFiles(work).create(request)
        return f"/v1/training-files/{training_file.id}", training_file

    asked = fingerprint(request.model_dump(mode="json"))
    return await created(work, "createTrainingFile", idempotency_key, asked, 202, create)


@router.get(
    "",
    operation_id="listTrainingFiles",
    summary="List training files, newest first",
    responses=problem_responses("invalid_cursor", "invalid_request"),
)
async def list_training_files(
    training_files: Reading,
    dataset_id: Annotated[
        str | None, Query(max_length=100, description="Only those built from this dataset.")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[TrainingFile]:
    """All training files, page by page."""
    return await training_files.page(dataset_id, cursor, limit)


@router.get(
    "/{training_file_id}",
    operation_id="getTrainingFile",
    summary="Get one training file",
    responses=problem_responses("not_found", "invalid_request"),
)
async def get_training_file(
    training_files: Reading, training_file_id: TrainingFileId
) -> TrainingFile:
    """What a training file holds, and whether it is ready."""
    return await training_files.get(training_file_id)


@router.get(
    "/{training_file_id}/content",
    operation_id="downloadTrainingFile",
    summary="Download the JSONL",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {"application/jsonl": {"schema": {"type": "string", "format": "binary"}}},
            "description": "One JSON object a line.",
        },
        **problem_responses("not_found", "training_file_not_ready", "invalid_request"),
    },
)
async def download_training_file(
    platform: PlatformDep, training_file_id: TrainingFileId
) -> StreamingResponse:
    """The file, streamed."""
    path = await local_file(platform, training_file_id)
    async with there(platform, training_file_id):
        content = path.open("rb")
    return download(content, "application/jsonl", f"{training_file_id}.jsonl")


@router.delete(
    "/{training_file_id}",
    operation_id="deleteTrainingFile",
    summary="Delete a training file",
    status_code=204,
    responses=problem_responses("not_found", "conflict", "in_use", "invalid_request"),
)
async def delete_training_file(
    work: WriteWork,
    lineage: LineageDep,
    training_file_id: TrainingFileId,
    cascade: Annotated[
        bool, Query(description="Delete the fine-tunes and models trained on it as well.")
    ] = False,
) -> None:
    """Remove a training file."""
    await TrainingFiles(work).delete(training_file_id, lineage, cascade=cascade)
