"""`/v1/models`: the catalogue as Cohere lists it."""

from typing import Annotated, TypedDict

from fastapi import APIRouter, Query

from app.backends.asked import asked
from app.backends.http import BackendsDep
from app.backends.registry import Backends
from app.cohere_api import naming
from app.cohere_api.forwarding import Forwarding
from app.cohere_api.naming import cohere_name
from app.models.schemas import Model
from app.models.service import Models
from app.platform.http import PlatformDep
from app.platform.pagination import decode_cursor, decode_offset, encode_cursor
from app.platform.work import Platform

router = APIRouter()


@router.get("/v1/models", operation_id="cohereListModels")
async def list_models(
    platform: PlatformDep,
    backends: BackendsDep,
    page_size: Annotated[int, Query(ge=1, le=1000)] = 20,
    page_token: Annotated[str | None, Query(max_length=500)] = None,
    endpoint: str | None = None,
    default_only: bool = False,
) -> dict[str, object]:
    """A page of models: base models, then tuned ones, newest first. None is a default."""
    told = await asked(backends)
    async with platform.work(write=False) as work:
        models, following = await _page(Models(work, told), page_token or None, page_size)
    described = [_described(model, backends, platform) for model in models]
    return {
        "models": [
            model
            for model in described
            if not default_only and (endpoint is None or endpoint in model["endpoints"])
        ],
        "next_page_token": following,
    }


@router.get("/v1/models/{model:path}", operation_id="cohereGetModel")
async def get_model(platform: PlatformDep, backends: BackendsDep, model: str) -> dict[str, object]:
    """One model, by any of its names."""
    found = await naming.describe(platform, backends, model)
    return dict(_described(found, backends, platform))


async def _page(models: Models, token: str | None, size: int) -> tuple[list[Model], str | None]:
    """A page and the token of the next: the room's own cursor, or an offset into the base models.

    The room has all base models on its first page, and not one of them on the others.
    """
    if token is not None and not (decode_cursor(token) or "").isdecimal():
        page = await models.page(token, size)
        return page.items, page.next_cursor
    start = decode_offset(token)
    page = await models.page(None, size)
    chosen = page.items[start : start + size]
    if start + size >= len(page.items) and page.next_cursor is None:
        return chosen, None
    if chosen and chosen[-1].kind == "tuned":
        return chosen, encode_cursor(chosen[-1].id)
    return chosen, encode_cursor(start + size)


class _Described(TypedDict):
    name: str
    is_deprecated: bool
    endpoints: list[str]
    finetuned: bool
    context_length: int | None
    tokenizer_url: str | None
    default_endpoints: list[str]
    features: list[str]


def _described(model: Model, backends: Backends, platform: Platform) -> _Described:
    """A model as Cohere describes it; of those at its own servers we know no more than they chat.

    Our own take so many code points of text.
    """
    passed_on = isinstance(backends.find(model.backend), Forwarding)
    endpoints = ["chat"] if passed_on else ["chat", "generate"]
    return {
        "name": cohere_name(model),
        "is_deprecated": model.retired_on is not None,
        "endpoints": endpoints if model.can_extract else [],
        "finetuned": model.kind == "tuned",
        "context_length": None if passed_on else platform.settings.max_text_characters,
        "tokenizer_url": None,
        "default_endpoints": [],
        "features": [],
    }
