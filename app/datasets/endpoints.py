"""`/v1/datasets`."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from starlette.responses import StreamingResponse

from app.datasets.contents import documents, export, report
from app.datasets.formats import EXPORT_FORMATS, FORMATS
from app.datasets.schemas import Dataset, DatasetDocument, DatasetReport
from app.datasets.service import Datasets, new_dataset_id
from app.platform.downloads import download
from app.platform.errors import ApiError, FieldError
from app.platform.http import LineageDep, PlatformDep, ReadWork, WriteWork
from app.platform.idempotency import IdempotencyKey, created, fingerprint
from app.platform.pagination import Cursor, Limit, Page
from app.platform.problem_json import problem_responses
from app.platform.uploads import Upload, UploadedFile, read_multipart

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
                            "items": {"type": "string", "format": "binary"},
                            "description": "One file or more; plain, .gz or .zip.",
                        },
                        "split": {
                            "type": "array",
                            "items": {"type": "string", "maxLength": 50},
                            "description": "Split of each file, in their order; optional.",
                        },
                        "name": {"type": "string", "maxLength": 200},
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
    dataset_id = new_dataset_id()
    upload = await read_multipart(
        request, platform.blobs, dataset_id, files={"file"}, fields={"split", "name", "format"}
    )
    location, kept = f"/v1/datasets/{dataset_id}", False
    try:
        name, format_name, files = _check(upload)
        asked = fingerprint([name, format_name, [[f.filename, f.sha256, s] for f, s in files]])

        async def create() -> tuple[str, Dataset]:
            dataset = await Datasets(work).create(dataset_id, name, format_name, files)
            return location, dataset

        async with platform.work(write=True) as work:
            answer = await created(work, "createDataset", idempotency_key, asked, 202, create)
            # A repeated request has the location of another dataset. From here on it may be
            # committed whatever is raised, should the database go away: `medtune gc` can tell.
            kept = answer.headers["Location"] == location
    finally:
        if not kept:
            await platform.blobs.discard(dataset_id)
    return answer


def _check(upload: Upload) -> tuple[str, str | None, Sequence[tuple[UploadedFile, str | None]]]:
    """Name, format, and each file with its split. Raises ApiError `invalid_request`."""
    files = upload.files
    splits = upload.fields.get("split", [])
    faults = []
    if not files:
        faults.append(FieldError("/file", "missing", "Send at least one file."))
    if splits and len(splits) != len(files):
        faults.append(FieldError("/split", "count", "Give one split for each file, or none."))
    if any(not 1 <= len(split) <= 50 or not split.isprintable() for split in splits):
        faults.append(FieldError("/split", "invalid", "Use 1 to 50 printable characters."))
    format_name = next(iter(upload.fields.get("format", [])), None)
    if format_name is not None and format_name not in FORMATS:
        faults.append(FieldError("/format", "unknown", f"Formats are {', '.join(FORMATS)}."))
    name = upload.fields.get("name", [files[0].filename if files else ""])[0]
    if files and not 1 <= len(name) <= 200:
        faults.append(FieldError("/name", "length", "Use 1 to 200 characters."))
    if faults:
        raise ApiError("invalid_request", "The form is not valid.", errors=faults)
    split_of_each: Sequence[str | None] = splits or [None] * len(files)
    return name, format_name, list(zip(files, split_of_each, strict=True))


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
