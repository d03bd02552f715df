"""`/v1/evaluations`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from app.backends.asked import asked_about
from app.backends.http import BackendsDep
from app.evaluations.causes import Cause
from app.evaluations.compared import comparison
from app.evaluations.detail_schemas import DetailedComparison, ErrorInContext
from app.evaluations.error_pages import error_page
from app.evaluations.measures import Measure
from app.evaluations.opened import opened
from app.evaluations.schemas import Evaluation, EvaluationRequest
from app.evaluations.service import Evaluations, Sort
from app.platform.http import Cursor, Limit, PlatformDep, ReadWork, WriteWork
from app.platform.idempotency import IdempotencyKey, created, fingerprint
from app.platform.pagination import Page
from app.platform.problem_json import problem_responses
from app.prompts.tasks import Task

router = APIRouter(prefix="/evaluations", tags=["evaluations"])

EvaluationId = Annotated[
    str, Path(max_length=100, examples=["ev_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])
]


async def reading(work: ReadWork) -> Evaluations:
    """The room's service in a transaction for reading."""
    return Evaluations(work)


async def writing(work: WriteWork) -> Evaluations:
    """The room's service in a transaction for writing."""
    return Evaluations(work)


Reading = Annotated[Evaluations, Depends(reading)]
Writing = Annotated[Evaluations, Depends(writing)]


@router.post(
    "",
    operation_id="createEvaluation",
    summary="Measure and compare models",
    status_code=202,
    response_model=Evaluation,
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
        "invalid_request",
        "unknown_split",
        "capability_unavailable",
        "backend_unavailable",
    ),
)
async def create_evaluation(
    platform: PlatformDep,
    backends: BackendsDep,
    request: EvaluationRequest,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Have up to ten models annotate the same documents, and score what they find.

    Answers at once; follow `status` and `progress` until it has `succeeded`.
    """

    async def create() -> tuple[str, Evaluation]:
        evaluation = await Evaluations(work).create(request, told)
        return f"/v1/evaluations/{evaluation.id}", evaluation

    told = await asked_about(backends, request.models)
    wanted = fingerprint(request.model_dump(mode="json"))
    async with platform.work(write=True) as work:
        return await created(work, "createEvaluation", idempotency_key, wanted, 202, create)


@router.get(
    "",
    operation_id="listEvaluations",
    summary="List evaluations, newest or best first",
    responses=problem_responses("invalid_cursor", "invalid_request"),
)
async def list_evaluations(
    evaluations: Reading,
    dataset_id: Annotated[
        str | None, Query(max_length=100, description="Only those on this dataset.")
    ] = None,
    model: Annotated[
        str | None, Query(max_length=200, description="Only those of this model, by its id.")
    ] = None,
    sort: Annotated[
        Sort,
        Query(description="`f1`: a leaderboard, by the best model's F1; only what has succeeded."),
    ] = "created_at",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[Evaluation]:
    """All evaluations, page by page."""
    return await evaluations.page(dataset_id, model, sort, cursor, limit)


@router.get(
    "/{evaluation_id}",
    operation_id="getEvaluation",
    summary="Get one evaluation",
    responses=problem_responses("not_found", "invalid_request"),
)
async def get_evaluation(evaluations: Reading, evaluation_id: EvaluationId) -> Evaluation:
    """Scores, errors by cause, latency and cost of each model, and how they compare."""
    return await evaluations.get(evaluation_id)


@router.get(
    "/{evaluation_id}/comparison",
    operation_id="compareModels",
    summary="Compare two models document by document",
    responses=problem_responses(
        "invalid_cursor", "not_found", "evaluation_not_ready", "invalid_request"
    ),
)
async def compare_models(
    platform: PlatformDep,
    evaluation_id: EvaluationId,
    baseline: Annotated[
        str | None,
        Query(max_length=200, description="By its id or as it was asked for; null: the first."),
    ] = None,
    model: Annotated[str | None, Query(max_length=200, description="Null: the second.")] = None,
    task: Annotated[Task | None, Query(description="Null: the first.")] = None,
    measure: Annotated[Measure | None, Query(description="Null: the task's headline.")] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200, description="How many documents at the most.")] = 20,
) -> DetailedComparison:
    """Whether the difference is more than luck, and the documents it comes from.

    The largest differences come first, with the mentions or relations gained and lost.
    """
    async with opened(platform, evaluation_id) as kept:
        return await comparison(platform, kept, (baseline, model), task, measure, cursor, limit)


@router.get(
    "/{evaluation_id}/errors",
    operation_id="listEvaluationErrors",
    summary="Read a model's errors in context",
    responses=problem_responses(
        "invalid_cursor", "not_found", "evaluation_not_ready", "invalid_request"
    ),
)
async def list_errors(
    platform: PlatformDep,
    evaluation_id: EvaluationId,
    model: Annotated[
        str | None,
        Query(max_length=200, description="By its id or as it was asked for; null: the first."),
    ] = None,
    task: Annotated[Task | None, Query(description="Only those of this task.")] = None,
    cause: Annotated[Cause | None, Query(description="Only those with this cause.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[ErrorInContext]:
    """Errors of one model in the order of the documents, each with the text around it."""
    async with opened(platform, evaluation_id) as kept:
        return await error_page(kept, model, task, cause, cursor, limit)


@router.post(
    "/{evaluation_id}/cancel",
    operation_id="cancelEvaluation",
    summary="Cancel an evaluation",
    responses=problem_responses("not_found", "not_cancellable", "invalid_request"),
)
async def cancel_evaluation(evaluations: Writing, evaluation_id: EvaluationId) -> Evaluation:
    """End it; nothing of what was measured is kept. Safe to repeat."""
    return await evaluations.cancel(evaluation_id)


@router.delete(
    "/{evaluation_id}",
    operation_id="deleteEvaluation",
    summary="Delete an evaluation that has ended",
    status_code=204,
    responses=problem_responses("not_found", "conflict", "invalid_request"),
)
async def delete_evaluation(evaluations: Writing, evaluation_id: EvaluationId) -> None:
    """Remove an evaluation with all that was measured."""
    await evaluations.delete(evaluation_id)
