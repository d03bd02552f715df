"""`/v1/models/{id}/card`."""

import re
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Path, Query, Response

from app.backends.asked import asked_about
from app.backends.http import BackendsDep
from app.evaluations.card import ModelCards
from app.evaluations.card_markdown import markdown
from app.evaluations.card_schemas import ModelCard
from app.platform.http import PlatformDep
from app.platform.problem_json import problem_responses

router = APIRouter(tags=["models"])
_MARKDOWN = "text/markdown"
_WEIGHT = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")


@router.get(
    "/models/{model_id}/card",
    operation_id="getModelCard",
    summary="Read a model's card",
    response_model=ModelCard,
    responses={
        200: {"content": {_MARKDOWN: {}}, "description": "The card, as JSON or as Markdown."},
        **problem_responses("model_not_found", "invalid_request"),
    },
)
async def get_model_card(
    platform: PlatformDep,
    backends: BackendsDep,
    response: Response,
    model_id: Annotated[
        str,
        Path(max_length=200, description="A model's id or an alias.", examples=["local:rules"]),
    ],
    format: Annotated[
        Literal["json", "markdown"] | None, Query(description="Instead of an `Accept` header.")
    ] = None,
    accept: Annotated[str, Header(max_length=1000, include_in_schema=False)] = "",
) -> ModelCard | Response:
    """What is known of a model: data, recipe, scores, limits, lineage.

    As JSON or, with `Accept: text/markdown` or `?format=markdown`, as a page to read.
    """
    told = await asked_about(backends, [model_id])
    async with platform.work(write=False) as work:
        card = await ModelCards(work, told).get(model_id)
    vary = {"Vary": "Accept"}
    if format == "markdown" or (format is None and _wants_markdown(accept)):
        return Response(markdown(card), media_type=_MARKDOWN, headers=vary)
    response.headers.update(vary)
    return card


def _wants_markdown(accept: str) -> bool:
    """Whether an Accept header (RFC 9110, 12.5.1) names Markdown, and JSON not before it."""
    weights = {"application/json": 0.0, _MARKDOWN: 0.0}
    for part in accept.split(","):
        kind, *parameters = (each.strip().lower() for each in part.split(";"))
        weight = next((each[2:] for each in parameters if each.startswith("q=")), "1")
        if kind in weights and _WEIGHT.fullmatch(weight):
            weights[kind] = float(weight)
    return 0 < weights[_MARKDOWN] >= weights["application/json"]
