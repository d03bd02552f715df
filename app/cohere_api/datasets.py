"""`/v1/datasets`: upload training rows as Cohere's API takes them."""

from datetime import UTC, datetime
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request
from pydantic import AfterValidator, Field

from app.cohere_api.dataset_repository import DatasetFilter
from app.cohere_api.dataset_schemas import (
    TYPES,
    CreatedDataset,
    GotDataset,
    ListedDatasets,
    Usage,
    ValidationStatus,
)
from app.cohere_api.dataset_service import EVAL, TRAIN, CohereDatasets, NewDataset, present
from app.cohere_api.errors import CohereError
from app.cohere_api.examples import Counted, count
from app.cohere_api.texts import Printable
from app.corpora.formats import CSV_DELIMITERS
from app.corpora.unpack import Limits
from app.datasets.service import new_dataset_id
from app.platform.http import LineageDep, PlatformDep, ReadWork, WriteWork
from app.platform.uploads import Upload, UploadedFile, received
from app.platform.work import Platform

router = APIRouter(prefix="/v1/datasets")

_PARTS = {"data": TRAIN, "eval_data": EVAL}


def _in_utc(value: datetime) -> datetime:
    """Times without a zone are in UTC, as in Cohere's examples."""
    try:
        return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)
    except OverflowError:  # in the first or the last year, by another clock
        raise ValueError("must be a time that UTC has, too") from None


Name = Annotated[Printable, Field(min_length=1, max_length=200)]
FieldNames = Annotated[list[Annotated[Printable, Field(max_length=100)]], Field(max_length=100)]
Moment = Annotated[datetime, AfterValidator(_in_utc)]
DatasetId = Annotated[Printable, Path(max_length=100)]


@router.post("", operation_id="cohereCreateDataset")
async def create_dataset(
    request: Request,
    platform: PlatformDep,
    name: Annotated[Name, Query()],
    dataset_type: Annotated[str, Query(alias="type", max_length=100)],
    keep_fields: Annotated[FieldNames | None, Query()] = None,
    optional_fields: Annotated[FieldNames | None, Query()] = None,
    csv_delimiter: Annotated[str | None, Query(max_length=1)] = None,
) -> CreatedDataset:
    """Upload training rows, and evaluation rows if there are any, and have them validated.

    `keep_original_file`, `skip_malformed_input` and `text_separator` are passed over: nothing is
    kept as it was sent, a malformed row fails the validation, and no text files are taken.
    """
    if dataset_type not in TYPES:
        served = " and ".join(TYPES)
        raise CohereError(400, f"invalid request: dataset types served here are {served}")
    if csv_delimiter and csv_delimiter not in CSV_DELIMITERS:
        told = "invalid request: csv_delimiter must be a comma, a semicolon or a tab"
        raise CohereError(400, told)
    async with received(
        request, platform.blobs, new_dataset_id(), files=set(_PARTS), fields=set()
    ) as form:
        new = NewDataset(
            id=form.owner,
            name=name,
            type=dataset_type,
            keep_fields=keep_fields or [],
            optional_fields=optional_fields or [],
            files={
                split: (file, await _counted(platform, file))
                for split, file in _by_split(form.upload).items()
            },
        )
        async with platform.work(write=True) as work:
            await CohereDatasets(work).create(new)
            # From here on it may be committed whatever is raised.
            form.kept = True
    return CreatedDataset(id=new.id)


def _by_split(upload: Upload) -> dict[str, UploadedFile]:
    files = {_PARTS[file.field]: file for file in upload.files}
    if len(files) != len(upload.files):
        raise CohereError(400, "invalid request: data and eval_data are one file each")
    if TRAIN not in files:
        raise CohereError(400, "invalid request: data is missing")
    return files


async def _counted(platform: Platform, file: UploadedFile) -> Counted:
    settings = platform.settings
    limits = Limits(total_bytes=settings.max_unpacked_bytes, ratio=settings.max_unpack_ratio)
    path = await platform.blobs.local(file.blob)
    return await to_thread.run_sync(count, path, file.filename, limits, limiter=platform.heavy)


@router.get("", operation_id="cohereListDatasets")
async def list_datasets(
    platform: PlatformDep,
    dataset_type: Annotated[Printable | None, Query(alias="datasetType", max_length=100)] = None,
    before: Annotated[Moment | None, Query()] = None,
    after: Annotated[Moment | None, Query()] = None,
    # The SDK's types make them floating-point numbers.
    limit: Annotated[float, Query(ge=1, le=1000)] = 50,
    offset: Annotated[float, Query(ge=0, le=1e15)] = 0,
    validation_status: Annotated[ValidationStatus | None, Query(alias="validationStatus")] = None,
) -> ListedDatasets:
    """Datasets that this API has created, newest first."""
    chosen = DatasetFilter(dataset_type, validation_status, before, after)
    async with platform.work(write=False) as work:
        found = await CohereDatasets(work).page(chosen, int(limit), int(offset))
    return ListedDatasets(datasets=[await present(platform.blobs, each) for each in found])


@router.get("/usage", operation_id="cohereGetDatasetUsage")
async def get_usage(work: ReadWork) -> Usage:
    """How many bytes were uploaded and not deleted."""
    return Usage(organization_usage=await CohereDatasets(work).usage())


@router.get("/{dataset_id}", operation_id="cohereGetDataset")
async def get_dataset(platform: PlatformDep, dataset_id: DatasetId) -> GotDataset:
    """One dataset, and what its validation has found."""
    async with platform.work(write=False) as work:
        found = await CohereDatasets(work).get(dataset_id)
    return GotDataset(dataset=await present(platform.blobs, found))


@router.delete("/{dataset_id}", operation_id="cohereDeleteDataset")
async def delete_dataset(
    work: WriteWork, lineage: LineageDep, dataset_id: DatasetId
) -> dict[str, object]:
    """Delete a dataset; models that were trained on it stay."""
    await CohereDatasets(work).delete(dataset_id, lineage)
    return {}
