"""Models: what there is and what each can do, aliases, the card of each, deletion."""

import re
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import field_validator

from app.backends.asked import asked, asked_about
from app.backends.http import BackendsDep
from app.backends.registry import Backends
from app.console.deletion import question
from app.console.forms import Form, read_form, validated
from app.console.pages import PageRoute, redirect, render
from app.evaluations.card import ModelCards
from app.models.schemas import ALIAS, AliasRequest
from app.models.service import Models
from app.platform.errors import ApiError
from app.platform.http import Cursor, PlatformDep
from app.platform.work import Platform

router = APIRouter(route_class=PageRoute)

_MOST = 200  # that the form of aliases offers; others have it on their own pages


class _NamedAlias(AliasRequest):
    """An alias and what it is to point to."""

    name: str

    @field_validator("name")
    @classmethod
    def _is_name(cls, name: str) -> str:
        if not re.fullmatch(ALIAS, name):
            raise ValueError("use letters, digits, dots, dashes and underscores alone")
        return name


@router.get("/models")
async def list_models(
    request: Request, platform: PlatformDep, backends: BackendsDep, cursor: Cursor = None
) -> Response:
    """Base models, then tuned ones, newest first; aliases."""
    return await _list(request, platform, backends, Form(), cursor)


@router.post("/models/aliases")
async def put_alias(request: Request, platform: PlatformDep, backends: BackendsDep) -> Response:
    """Point an alias to a model."""
    form = await read_form(request)
    try:
        alias = validated(_NamedAlias, form.given("name", "model"))
        told = await asked_about(backends, [alias.model])
        async with platform.work(write=True) as work:
            await Models(work, told).put_alias(alias.name, alias.model)
    except ApiError as error:
        return await _list(request, platform, backends, form.refused(error), None)
    return redirect("/models#aliases")


@router.post("/models/aliases/{name}/delete")
async def delete_alias(platform: PlatformDep, backends: BackendsDep, name: str) -> Response:
    """Remove an alias."""
    async with platform.work(write=True) as work:
        await Models(work, backends).delete_alias(name)
    return redirect("/models#aliases")


@router.get("/models/{model_id}/delete")
async def ask(
    request: Request, platform: PlatformDep, backends: BackendsDep, model_id: str
) -> Response:
    """What goes with a tuned model, before it is deleted."""
    told = await asked_about(backends, [model_id])
    async with platform.work(write=False) as work:
        models = Models(work, told)
        model = await models.get(model_id)
        aliases = [each.name for each in await models.aliases() if each.model == model.id]
    return question(request, "model", "models", model, model.name, aliases=aliases)


@router.post("/models/{model_id}/delete")
async def delete(platform: PlatformDep, backends: BackendsDep, model_id: str) -> Response:
    """Delete a tuned model, and the aliases that point to it."""
    async with platform.work(write=True) as work:
        await Models(work, backends).delete(model_id)
    return redirect("/models")


@router.get("/models/{model_id:path}")
async def show(
    request: Request, platform: PlatformDep, backends: BackendsDep, model_id: str
) -> Response:
    """A model's card; names of base models may have slashes."""
    told = await asked_about(backends, [model_id])
    async with platform.work(write=False) as work:
        card = await ModelCards(work, told).get(model_id)
        models = Models(work, told)
        model = await models.get(card.model.id)
        aliases = [each.name for each in await models.aliases() if each.model == model.id]
    return render(request, "models_one.html", card=card, model=model, aliases=aliases)


async def _list(
    request: Request, platform: Platform, backends: Backends, form: Form, cursor: str | None
) -> Response:
    told = await asked(backends)
    async with platform.work(write=False) as work:
        models = Models(work, told)
        page = await models.page(cursor, 50)
        offered = page if cursor is None else await models.page(None, _MOST)
        aliases = await models.aliases()
    named: dict[str, Any] = {}
    for alias in aliases:
        named.setdefault(alias.model, []).append(alias.name)
    return render(
        request,
        "models.html",
        status=form.status,
        form=form,
        page=page,
        cursor=cursor,
        offered=offered.items,
        aliases=aliases,
        named=named,
    )
