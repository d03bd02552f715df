"""`/v1/datasets`."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from starlette.responses import StreamingResponse

from app.datasets.contents import documents, export, report
from app.datasets.form import check, received
from app.datasets.formats import EXPORT_FORMATS, FORMATS
from app.datasets.schemas import Dataset, DatasetDocument, DatasetReport
from app.datasets.service import Datasets
from app.platform.downloads import download
from app.platform.http import Cursor, Limit, LineageDep, PlatformDep, ReadWork, WriteWork
from app.platform.idempotency import IdempotencyKey, created, fingerprint
from app.platform.pagination import Page
from app.platform.problem_json import problem_responses

router = APIRouter(prefix="/datasets", tags=["datasets"])

DatasetId = Annotated[str, Path(max_length=100, examples=["ds_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])]


async def reading(work: ReadWork) -> Datasets:
    """The room's service in a transaction for reading."""
    return Datasets(work)


Reading = Annotated[Datasets, Depends(reading)]

UPLOAD_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "array",
                            "minItems": 1,
                            "items": {"type": "string", "format": "binary"},
                            "description": "One file or more; plain, .gz or .zip.",
                        },
                        "split": {
                            "type": "array",
                            "items": {"type": "string", "maxLength": 50},
                            "examples": [["train"]],
                            "description": "Split of each file, in their order; optional.",
                        },
                        "name": {"type": "string", "maxLength": 200, "examples": ["sample"]},
                        "format": {
                            "type": "string",
                            "enum": list(FORMATS),
                            "description": "Recognised from the content if not given.",
                        },
                    },
                }
            }
        },
    }
}


@router.post(
    "",
    operation_id="createDataset",
    summary="Upload an annotated corpus",
    status_code=202,
    response_model=Dataset,
    responses=problem_responses(
        "malformed_request",
        "idempotency_key_reused",
        "body_too_large",
        "unsupported_media_type",
        "invalid_request",
        "storage_unavailable",
        "storage_full",
    ),
    openapi_extra=UPLOAD_BODY,
)
async def create_dataset(
    request: Request, platform: PlatformDep, idempotency_key: IdempotencyKey = None
) -> Response:
    """Upload one file or several and have them validated.

    Answers at once; the dataset becomes `ready` or `failed`, and its report says why.
    """
    async with received(request, platform) as form:
        new = check(form.upload)
        location = f"/v1/datasets/{form.owner}"
        said = [[file.filename, file.sha256, split] for file, split in new.files]
        asked = fingerprint([new.name, new.format, said])

        async def create() -> tuple[str, Dataset]:
            dataset = await Datasets(work).create(form.owner, new.name, new.format, new.files)
            return location, dataset

        async with platform.work(write=True) as work:
            answer = await created(work, "createDataset", idempotency_key, asked, 202, create)
            # A repeated request has the location of another dataset. From here on it may be
            # committed whatever is raised, should the database go away: `medtune gc` can tell.
            form.kept = answer.headers["Location"] == location
    return answer


@router.get(
    "",
    operation_id="listDatasets",
    summary="List datasets, newest first",
    responses=problem_responses("invalid_cursor", "invalid_request"),
)
async def list_datasets(
    datasets: Reading, cursor: Cursor = None, limit: Limit = 50
) -> Page[Dataset]:
    """All datasets, page by page."""
    return await datasets.page(cursor, limit)


@router.get(
    "/{dataset_id}",
    operation_id="getDataset",
    summary="Get one dataset",
    responses=problem_responses("not_found", "invalid_request"),
)
async def get_dataset(datasets: Reading, dataset_id: DatasetId) -> Dataset:
    """What a dataset holds, and whether it is ready."""
    return await datasets.get(dataset_id)


@router.get(
    "/{dataset_id}/report",
    operation_id="getDatasetReport",
    summary="Read the validation report",
    responses=problem_responses("invalid_cursor", "not_found", "invalid_request"),
)
async def get_report(
    platform: PlatformDep, dataset_id: DatasetId, cursor: Cursor = None, limit: Limit = 100
) -> DatasetReport:
    """All problems found, in the order of the files; empty while it is being validated."""
    return await report(platform, dataset_id, cursor, limit)


@router.get(
    "/{dataset_id}/documents",
    operation_id="listDatasetDocuments",
    summary="Browse the annotated documents",
    responses=problem_responses(
        "invalid_cursor", "not_found", "dataset_not_ready", "invalid_request", "unknown_split"
    ),
)
async def list_documents(
    platform: PlatformDep,
    dataset_id: DatasetId,
    split: Annotated[str | None, Query(max_length=50, description="Only this split.")] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200, description="How many at the most.")] = 20,
) -> Page[DatasetDocument]:
    """Documents with their annotations, in file order; a page of long ones may hold fewer."""
    return await documents(platform, dataset_id, split, cursor, limit)


@router.get(
    "/{dataset_id}/export",
    operation_id="exportDataset",
    summary="Download in another format",
    response_class=StreamingResponse,
    responses={
        200: {"content": {FORMATS[name].media_type: {} for name in EXPORT_FORMATS}},
        **problem_responses("not_found", "dataset_not_ready", "invalid_request", "unknown_split"),
    },
)
async def export_dataset(
    platform: PlatformDep,
    dataset_id: DatasetId,
    format_name: Annotated[
        Literal["pubtator", "bioc_xml", "bioc_json", "bigbio_json"],
        Query(alias="format", description="The format to write."),
    ],
    split: Annotated[str | None, Query(max_length=50, description="Only this split.")] = None,
) -> StreamingResponse:
    """All documents, or those of one split, in the format asked for."""
    out = await export(platform, dataset_id, split, format_name)
    chosen = FORMATS[format_name]
    return download(out, chosen.media_type, f"{dataset_id}{chosen.extension}")


@router.delete(
    "/{dataset_id}",
    operation_id="deleteDataset",
    summary="Delete a dataset",
    status_code=204,
    responses=problem_responses("not_found", "conflict", "in_use", "invalid_request"),
)
async def delete_dataset(
    work: WriteWork,
    lineage: LineageDep,
    dataset_id: DatasetId,
    cascade: Annotated[
        bool, Query(description="Delete what was built from it as well, models included.")
    ] = False,
) -> None:
    """Remove a dataset, its documents and its report."""
    await Datasets(work).delete(dataset_id, lineage, cascade=cascade)
