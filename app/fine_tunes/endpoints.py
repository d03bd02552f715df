"""`/v1/fine-tunes`."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Header, Path, Query, Request, Response
from starlette.responses import StreamingResponse

from app.backends.asked import asked
from app.backends.http import BackendsDep
from app.fine_tunes.live import live_events
from app.fine_tunes.schemas import (
    FineTune,
    FineTuneEvent,
    FineTuneRequest,
    MetricValue,
    RepeatRequest,
)
from app.fine_tunes.service import FineTunes
from app.fine_tunes.states import Status
from app.platform.http import Cursor, Limit, LineageDep, PlatformDep, ReadWork, WriteWork
from app.platform.idempotency import IdempotencyKey, created, fingerprint
from app.platform.pagination import Page
from app.platform.problem_json import problem_responses
from app.platform.requests import still_let_in

router = APIRouter(prefix="/fine-tunes", tags=["fine-tunes"])

FineTuneId = Annotated[str, Path(max_length=100, examples=["ft_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])]


async def reading(work: ReadWork, backends: BackendsDep) -> FineTunes:
    """The room's service in a transaction for reading."""
    return FineTunes(work, backends)


async def writing(work: WriteWork, backends: BackendsDep) -> FineTunes:
    """The room's service in a transaction for writing."""
    return FineTunes(work, backends)


LAUNCH_PROBLEMS = problem_responses(
    "malformed_request",
    "not_found",
    "training_file_not_ready",
    "vocabulary_not_ready",
    "idempotency_key_reused",
    "body_too_large",
    "invalid_request",
    "unknown_backend",
    "capability_unavailable",
    "backend_unavailable",
)

Reading = Annotated[FineTunes, Depends(reading)]
Writing = Annotated[FineTunes, Depends(writing)]


@router.post(
    "",
    operation_id="createFineTune",
    summary="Train a model",
    status_code=202,
    response_model=FineTune,
    responses=LAUNCH_PROBLEMS,
)
async def create_fine_tune(
    platform: PlatformDep,
    backends: BackendsDep,
    request: FineTuneRequest,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Launch a fine-tune.

    Answers at once; follow `status`, `progress` and the events until it has `succeeded`.
    """

    async def create() -> tuple[str, FineTune]:
        fine_tune = await FineTunes(work, told).create(request)
        return f"/v1/fine-tunes/{fine_tune.id}", fine_tune

    told = await asked(backends, [request.backend])
    wanted = fingerprint(request.model_dump(mode="json"))
    async with platform.work(write=True) as work:
        return await created(work, "createFineTune", idempotency_key, wanted, 202, create)


@router.get(
    "",
    operation_id="listFineTunes",
    summary="List fine-tunes, newest first",
    responses=problem_responses("invalid_cursor", "invalid_request"),
)
async def list_fine_tunes(
    fine_tunes: Reading,
    status: Annotated[Status | None, Query(description="Only those in this state.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[FineTune]:
    """All fine-tunes, page by page."""
    return await fine_tunes.page(status, cursor, limit)


@router.get(
    "/{fine_tune_id}",
    operation_id="getFineTune",
    summary="Get one fine-tune",
    responses=problem_responses("not_found", "invalid_request"),
)
async def get_fine_tune(fine_tunes: Reading, fine_tune_id: FineTuneId) -> FineTune:
    """Status and progress of a fine-tune."""
    return await fine_tunes.get(fine_tune_id)


@router.get(
    "/{fine_tune_id}/events",
    operation_id="listFineTuneEvents",
    summary="Follow what happens",
    response_model=Page[FineTuneEvent],
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "A page, or a live stream."},
        **problem_responses("invalid_cursor", "not_found", "invalid_request"),
    },
)
async def list_events(
    request: Request,
    platform: PlatformDep,
    fine_tunes: Reading,
    fine_tune_id: FineTuneId,
    cursor: Cursor = None,
    limit: Limit = 100,
    last_event_id: Annotated[
        str, Header(max_length=9, pattern="^[0-9]+$", description="To resume a stream.")
    ] = "0",
) -> Page[FineTuneEvent] | StreamingResponse:
    """Events in order, as a page.

    With `Accept: text/event-stream` a live stream of server-sent events, `progress` among them,
    that ends with the fine-tune.
    """
    if "text/event-stream" not in request.headers.get("accept", ""):
        return await fine_tunes.events(fine_tune_id, cursor, limit)
    # A stream has begun with 200 before it can find that there is nothing to tell of.
    await fine_tunes.get(fine_tune_id)
    stream = live_events(
        platform,
        fine_tune_id,
        after=int(last_event_id),
        let_in=lambda: still_let_in(request.scope),
    )
    return StreamingResponse(
        stream, media_type="text/event-stream", headers={"Cache-Control": "no-cache"}
    )


@router.get(
    "/{fine_tune_id}/metrics",
    operation_id="listFineTuneMetrics",
    summary="Read the training curve",
    responses=problem_responses("invalid_cursor", "not_found", "invalid_request"),
)
async def list_metrics(
    fine_tunes: Reading, fine_tune_id: FineTuneId, cursor: Cursor = None, limit: Limit = 1000
) -> Page[MetricValue]:
    """Loss or score for each iteration of each stage, in the order of training."""
    return await fine_tunes.metrics(fine_tune_id, cursor, limit)


@router.post(
    "/{fine_tune_id}/cancel",
    operation_id="cancelFineTune",
    summary="Cancel a fine-tune",
    responses=problem_responses("not_found", "not_cancellable", "invalid_request"),
)
async def cancel_fine_tune(fine_tunes: Writing, fine_tune_id: FineTuneId) -> FineTune:
    """Stop the training. Safe to repeat; the status goes over `cancelling` to `cancelled`."""
    return await fine_tunes.cancel(fine_tune_id)


@router.post(
    "/{fine_tune_id}/repeat",
    operation_id="repeatFineTune",
    summary="Train on the same data again, there or elsewhere",
    status_code=202,
    response_model=FineTune,
    responses=LAUNCH_PROBLEMS,
)
async def repeat_fine_tune(
    platform: PlatformDep,
    backends: BackendsDep,
    fine_tune_id: FineTuneId,
    request: Annotated[RepeatRequest | None, Body()] = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Launch a new fine-tune on the training file of this one, whatever became of it.

    The way on when a server has retired a model, or fine-tuning altogether. Without a body all
    stays as it was.
    """
    chosen = request or RepeatRequest()

    async def create() -> tuple[str, FineTune]:
        fine_tune = await FineTunes(work, told).repeat(fine_tune_id, chosen)
        return f"/v1/fine-tunes/{fine_tune.id}", fine_tune

    told = await asked(backends, None if chosen.backend is None else [chosen.backend])
    wanted = fingerprint([fine_tune_id, chosen.model_dump(mode="json")])
    async with platform.work(write=True) as work:
        return await created(work, "repeatFineTune", idempotency_key, wanted, 202, create)


@router.delete(
    "/{fine_tune_id}",
    operation_id="deleteFineTune",
    summary="Delete a fine-tune that has ended",
    status_code=204,
    responses=problem_responses("not_found", "conflict", "in_use", "invalid_request"),
)
async def delete_fine_tune(
    fine_tunes: Writing,
    lineage: LineageDep,
    fine_tune_id: FineTuneId,
    cascade: Annotated[bool, Query(description="Delete its model as well.")] = False,
) -> None:
    """Remove a fine-tune with its events and its training curve."""
    await fine_tunes.delete(fine_tune_id, lineage, cascade=cascade)
