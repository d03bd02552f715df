"""`/v1/extractions`."""

from fastapi import APIRouter, Request, Response

from app.backends.http import get_backends
from app.extractions.schemas import Extraction, ExtractionList, ExtractionRequest
from app.extractions.service import Limits, check, extract
from app.models.service import resolve
from app.platform.http import get_platform
from app.platform.problem_json import problem_responses
from app.platform.quick_route import QuickRoute

router = APIRouter(prefix="/v1/extractions", tags=["extractions"], route_class=QuickRoute)


@router.post(
    "",
    operation_id="createExtraction",
    summary="Extract diseases, chemicals and relations",
    response_model=Extraction | ExtractionList,
    responses={
        200: {"description": "One extraction for `text`, a list for `texts`."},
        **problem_responses(
            "malformed_request",
            "model_not_found",
            "model_not_ready",
            "vocabulary_not_ready",
            "retired",
            "body_too_large",
            "invalid_request",
            "min_precision_unavailable",
            "text_too_long",
            "capability_unavailable",
            "backend_failed",
            "backend_unavailable",
            "backend_timeout",
        ),
    },
)
async def create_extraction(http: Request, request: ExtractionRequest) -> Response:
    """Extract from one text or up to 100 with a base or a tuned model.

    Offsets are counted in Unicode code points unless `offset_unit` says otherwise. The text is
    neither stored nor logged.
    """
    # Neither solved as dependencies nor given to FastAPI to check and write: of a short extraction
    # both are a good part, and the answer is made of checked parts.
    platform, backends = await get_platform(http), await get_backends(http)
    texts = check(request, Limits(platform.settings.max_text_characters))
    # Its transaction ends before the model runs: no connection is held meanwhile.
    model = await resolve(platform, backends, request.model)
    answers = await extract(platform, model, texts, request)
    timing = answers[0].timing
    answer = answers[0] if request.texts is None else ExtractionList(items=answers)
    return Response(
        answer.model_dump_json(exclude_unset=True),
        media_type="application/json",
        headers={
            "Server-Timing": f"total;dur={timing.total_ms}, model;dur={timing.model_ms}",
        },
    )
