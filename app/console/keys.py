"""Keys of the workspace, and its audit log: for keys with scope admin."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from app.console.forms import Form, read_form, validated
from app.console.pages import PageRoute, redirect, render
from app.keys.schemas import KeyRequest
from app.keys.service import Keys
from app.platform.access import Scope
from app.platform.errors import ApiError, invalid_field
from app.platform.http import Cursor, PlatformDep
from app.platform.work import Platform

router = APIRouter(prefix="/keys", route_class=PageRoute)

_PAGE = 50
_SCOPES = {
    Scope.READ: "look, and ask models",
    Scope.WRITE: "create, change and delete as well",
    Scope.ADMIN: "manage keys and read the audit log as well",
}


@router.get("")
async def list_keys(request: Request, platform: PlatformDep, cursor: Cursor = None) -> Response:
    """All keys, newest first, and a form to make one."""
    return await _list(request, platform, Form(), cursor)


@router.post("")
async def make(request: Request, platform: PlatformDep) -> Response:
    """Make a key; it is on this page and on no other one."""
    form = await read_form(request)
    try:
        asked: dict[str, Any] = dict(form.given("name", "scope"))
        if day := form.text("expires_at").strip():
            asked["expires_at"] = _end(day)
        wanted = validated(KeyRequest, asked)
        async with platform.work(write=True) as work:
            made = await Keys(work).create(wanted)
    except ApiError as error:
        return await _list(request, platform, form.refused(error), None)
    return render(request, "keys_made.html", made=made)


@router.get("/audit")
async def audit(request: Request, platform: PlatformDep, cursor: Cursor = None) -> Response:
    """Who did what, the latest first."""
    async with platform.work(write=False) as work:
        page = await Keys(work).audit(cursor, _PAGE)
    return render(request, "keys_audit.html", page=page)


@router.get("/{key_id}/revoke")
async def ask(request: Request, platform: PlatformDep, key_id: str) -> Response:
    """Whether it is to be revoked."""
    async with platform.work(write=False) as work:
        key = await Keys(work).get(key_id)
    return render(request, "keys_revoke.html", key=key)


@router.post("/{key_id}/revoke")
async def revoke(platform: PlatformDep, key_id: str) -> Response:
    """End it for good."""
    async with platform.work(write=True) as work:
        await Keys(work).revoke(key_id)
    return redirect("/keys")


def _end(day: str) -> datetime:
    """The beginning of a day in UTC. Raises ApiError `invalid_request`."""
    try:
        return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise invalid_field("/expires_at", "invalid", "Write a day as 2027-12-31.") from None


async def _list(request: Request, platform: Platform, form: Form, cursor: str | None) -> Response:
    async with platform.work(write=False) as work:
        page = await Keys(work).page(cursor, _PAGE)
    return render(
        request,
        "keys.html",
        status=form.status,
        page=page,
        form=form,
        scopes={scope.word: told for scope, told in _SCOPES.items()},
    )
