"""`/v1/extractions`."""

from fastapi import APIRouter, Response

from app.backends.http import BackendsDep
from app.extractions.schemas import Extraction, ExtractionList, ExtractionRequest
from app.extractions.service import Limits, check, extract
from app.models.service import resolve
from app.platform.http import PlatformDep
from app.platform.problem_json import problem_responses

router = APIRouter(prefix="/extractions", tags=["extractions"])


@router.post(
    "",
    operation_id="createExtraction",
    summary="Extract diseases, chemicals and relations",
    response_model_exclude_unset=True,
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
async def create_extraction(
    platform: PlatformDep, backends: BackendsDep, request: ExtractionRequest, response: Response
) -> Extraction | ExtractionList:
    """Extract from one text or up to 100 with a base or a tuned model.

    Offsets are counted in Unicode code points unless `offset_unit` says otherwise. The text is
    neither stored nor logged.
    """
    texts = check(request, Limits(platform.settings.max_text_characters))
    # Its transaction ends before the model runs: no connection is held meanwhile.
    model = await resolve(platform, backends, request.model)
    answers = await extract(platform, model, texts, request)
    timing = answers[0].timing
    response.headers["Server-Timing"] = f"total;dur={timing.total_ms}, model;dur={timing.model_ms}"
    return answers[0] if request.texts is None else ExtractionList(items=answers)
