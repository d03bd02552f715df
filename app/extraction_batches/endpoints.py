"""`/v1/extraction-batches`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from starlette.responses import StreamingResponse

from app.backends.asked import asked_about
from app.backends.http import BackendsDep
from app.backends.registry import Backends
from app.extraction_batches.form import BODIES, FIELDS, from_body, from_fields
from app.extraction_batches.live import live_events
from app.extraction_batches.received import received
from app.extraction_batches.results import KINDS, failures, stream
from app.extraction_batches.schemas import (
    BatchEvent,
    DatasetBatchRequest,
    ExtractionBatch,
    FailedDocument,
    ResultFormat,
)
from app.extraction_batches.service import ExtractionBatches, check
from app.extraction_batches.states import Status
from app.platform.errors import ApiError
from app.platform.headers import media_type
from app.platform.http import Cursor, Limit, PlatformDep, ReadWork, WriteWork
from app.platform.idempotency import IdempotencyKey, created, fingerprint
from app.platform.pagination import Page
from app.platform.problem_json import problem_responses
from app.platform.requests import still_let_in
from app.platform.work import Platform

router = APIRouter(prefix="/extraction-batches", tags=["extraction-batches"])

BatchId = Annotated[str, Path(max_length=100, examples=["bat_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])]


async def reading(work: ReadWork) -> ExtractionBatches:
    """The room's service in a transaction for reading."""
    return ExtractionBatches(work)


async def writing(work: WriteWork) -> ExtractionBatches:
    """The room's service in a transaction for writing."""
    return ExtractionBatches(work)


Reading = Annotated[ExtractionBatches, Depends(reading)]
Writing = Annotated[ExtractionBatches, Depends(writing)]


@router.post(
    "",
    operation_id="createExtractionBatch",
    summary="Extract from very many texts",
    status_code=202,
    response_model=ExtractionBatch,
    responses=problem_responses(
        "malformed_request",
        "not_found",
        "model_not_found",
        "dataset_not_ready",
        "model_not_ready",
        "vocabulary_not_ready",
        "idempotency_key_reused",
        "retired",
        "body_too_large",
        "unsupported_media_type",
        "invalid_request",
        "unknown_split",
        "min_precision_unavailable",
        "capability_unavailable",
        "backend_failed",
        "backend_unavailable",
        "storage_unavailable",
        "backend_timeout",
        "storage_full",
    ),
    openapi_extra=BODIES,
)
async def create_extraction_batch(
    request: Request,
    platform: PlatformDep,
    backends: BackendsDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Ask one model about all texts of a JSONL upload, or about the documents of a dataset.

    Answers at once; follow `status` and `progress`, or the events, until `finished_at` is set. A
    text that cannot be read or answered is a failed document and nothing more.
    """
    if media_type(request.scope) == "application/json":
        return await _from_dataset(request, platform, backends, idempotency_key)
    return await _from_upload(request, platform, backends, idempotency_key)


async def _from_dataset(
    request: Request, platform: Platform, backends: Backends, key: str | None
) -> Response:
    wanted = from_body(await request.body(), DatasetBatchRequest)
    await check(platform, backends, wanted)
    told = await asked_about(backends, [wanted.model])

    async def create() -> tuple[str, ExtractionBatch]:
        batch = await ExtractionBatches(work).create_from_dataset(wanted, told)
        return _location(batch.id), batch

    asked = fingerprint(wanted.model_dump(mode="json"))
    async with platform.work(write=True) as work:
        return await created(work, "createExtractionBatch", key, asked, 202, create)


async def _from_upload(
    request: Request, platform: Platform, backends: Backends, key: str | None
) -> Response:
    async with received(request, platform, backends, FIELDS, from_fields) as given:
        told = await asked_about(backends, [given.request.model])

        async def create() -> tuple[str, ExtractionBatch]:
            batches = ExtractionBatches(work)
            batch = await batches.create_from_upload(
                given.form.owner, given.request, given.file, told
            )
            return _location(batch.id), batch

        asked = fingerprint([given.request.model_dump(mode="json"), given.file.sha256])
        async with platform.work(write=True) as work:
            answer = await created(work, "createExtractionBatch", key, asked, 202, create)
            # A repeated request has the location of another batch. From here on it may be
            # committed whatever is raised, should the database go away: `medtune gc` can tell.
            given.form.kept = answer.headers["Location"] == _location(given.form.owner)
    return answer


@router.get(
    "",
    operation_id="listExtractionBatches",
    summary="List extraction batches, newest first",
    responses=problem_responses("invalid_cursor", "invalid_request"),
)
async def list_extraction_batches(
    batches: Reading,
    status: Annotated[Status | None, Query(description="Only those that stand there.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[ExtractionBatch]:
    """All batches, page by page."""
    return await batches.page(status, cursor, limit)


@router.get(
    "/{batch_id}",
    operation_id="getExtractionBatch",
    summary="Get one extraction batch",
    responses=problem_responses("not_found", "invalid_request"),
)
async def get_extraction_batch(batches: Reading, batch_id: BatchId) -> ExtractionBatch:
    """Status, progress, rate and time left of a batch."""
    return await batches.get(batch_id)


@router.get(
    "/{batch_id}/events",
    operation_id="listExtractionBatchEvents",
    summary="Follow what happens to a batch",
    response_model=Page[BatchEvent],
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "A page, or a live stream."},
        **problem_responses("invalid_cursor", "not_found", "invalid_request"),
    },
)
async def list_batch_events(
    request: Request,
    platform: PlatformDep,
    batches: Reading,
    batch_id: BatchId,
    cursor: Cursor = None,
    limit: Limit = 100,
    last_event_id: Annotated[
        str, Header(max_length=9, pattern="^[0-9]+$", description="To resume a stream.")
    ] = "0",
) -> Page[BatchEvent] | StreamingResponse:
    """Events in order, as a page.

    With `Accept: text/event-stream` a live stream of server-sent events, `progress` among them,
    that ends with the batch.
    """
    if "text/event-stream" not in request.headers.get("accept", ""):
        return await batches.events(batch_id, cursor, limit)
    # A stream has begun with 200 before it can find that there is nothing to tell of.
    await batches.get(batch_id)
    events = live_events(
        platform,
        batch_id,
        after=int(last_event_id),
        let_in=lambda: still_let_in(request.scope),
    )
    return StreamingResponse(
        events, media_type="text/event-stream", headers={"Cache-Control": "no-cache"}
    )


@router.get(
    "/{batch_id}/failures",
    operation_id="listFailedDocuments",
    summary="List the documents that failed",
    responses=problem_responses("invalid_cursor", "not_found", "invalid_request"),
)
async def list_failures(
    platform: PlatformDep, batch_id: BatchId, cursor: Cursor = None, limit: Limit = 100
) -> Page[FailedDocument]:
    """Failed documents in input order, with reasons; a page may hold fewer than asked for.

    While the batch runs, those of texts further on may be there before those of earlier ones.
    """
    return await failures(platform, batch_id, cursor, limit)


@router.get(
    "/{batch_id}/results",
    operation_id="getExtractionBatchResults",
    summary="Download the results",
    response_class=StreamingResponse,
    responses={
        200: {"content": {kind.media_type.partition(";")[0]: {} for kind in KINDS.values()}},
        **problem_responses(
            "not_found", "batch_not_finished", "text_not_stored", "invalid_request"
        ),
    },
)
async def get_results(
    platform: PlatformDep,
    batch_id: BatchId,
    format_name: Annotated[
        ResultFormat,
        Query(alias="format", description="`bioc` is BioC XML; `jsonl` alone has scores."),
    ] = "jsonl",
) -> StreamingResponse:
    """Each document once, in input order; of a batch cut short, those that are done.

    A batch that keeps no texts has JSONL alone. Failed documents are lines with an `error`; in the
    other formats they have no annotations.
    """
    async with platform.work(write=False) as work:
        batch = await ExtractionBatches(work).finished(batch_id)
    kind = KINDS[format_name]
    if kind.parts is not None and not batch.store_text:
        raise ApiError("text_not_stored", "The batch keeps no texts.")
    name = f'attachment; filename="{batch.id}{kind.extension}"'
    return StreamingResponse(
        stream(platform, batch, kind),
        media_type=kind.media_type,
        headers={"Content-Disposition": name},
    )


@router.post(
    "/{batch_id}/cancel",
    operation_id="cancelExtractionBatch",
    summary="Cancel an extraction batch",
    responses=problem_responses("not_found", "not_cancellable", "invalid_request"),
)
async def cancel_extraction_batch(batches: Writing, batch_id: BatchId) -> ExtractionBatch:
    """Ask about no more texts. Safe to repeat; what has been answered can be downloaded."""
    return await batches.cancel(batch_id)


@router.delete(
    "/{batch_id}",
    operation_id="deleteExtractionBatch",
    summary="Delete an extraction batch that has ended",
    status_code=204,
    responses=problem_responses("not_found", "conflict", "invalid_request"),
)
async def delete_extraction_batch(batches: Writing, batch_id: BatchId) -> None:
    """Remove a batch with its texts and results."""
    await batches.delete(batch_id)


def _location(batch_id: str) -> str:
    return f"/v1/extraction-batches/{batch_id}"
