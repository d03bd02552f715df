"""Notifications: who is told when something has ended, and what became of each message."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from fastapi import APIRouter, Request, Response

from app.console.deletion import question
from app.console.forms import Form, read_form, validated
from app.console.pages import PageRoute, redirect, render
from app.notifications.schemas import (
    DeliveryStatus,
    EventPattern,
    Kind,
    NotificationTarget,
    TargetPatch,
    TargetRequest,
)
from app.notifications.service import Notifications
from app.platform.errors import ApiError
from app.platform.http import Cursor, PlatformDep
from app.platform.work import Platform

router = APIRouter(prefix="/notifications", route_class=PageRoute)

_PAGE, _DELIVERIES = 50, 25
_KINDS: Mapping[Kind, str] = {"webhook": "Webhook", "email": "E-mail"}


def _by_kind(patterns: Sequence[str]) -> dict[str, list[str]]:
    """Types of messages by what they are about, all of a kind first."""
    kinds: dict[str, list[str]] = {}
    for pattern in patterns:
        kind, dot, _ = pattern.partition(".")
        if dot:
            kinds.setdefault(kind, []).append(pattern)
    return kinds


_EVENTS = _by_kind(get_args(EventPattern))


@router.get("")
async def list_targets(request: Request, platform: PlatformDep, cursor: Cursor = None) -> Response:
    """All targets, newest first, and a form to add one."""
    return await _list(request, platform, Form(), cursor)


@router.post("")
async def add(request: Request, platform: PlatformDep) -> Response:
    """Add a target; the secret of a webhook is on this page and on no other one."""
    form = await read_form(request)
    body: dict[str, Any] = form.given("kind", "address", "name", "secret")
    try:
        asked = validated(TargetRequest, body | {"events": form.chosen("events")})
        async with platform.work(write=True) as work:
            target = await Notifications(work).create(asked)
    except ApiError as error:
        return await _list(request, platform, form.refused(error), None)
    if target.secret is None:
        return redirect(f"/notifications/{target.id}")
    return render(request, "notifications_secret.html", target=target)


@router.get("/deliveries/{delivery_id}")
async def delivery(request: Request, platform: PlatformDep, delivery_id: str) -> Response:
    """One message to one target, and each attempt."""
    return await _delivery(request, platform, delivery_id, "notifications_delivery.html")


@router.get("/deliveries/{delivery_id}/live")
async def live_delivery(request: Request, platform: PlatformDep, delivery_id: str) -> Response:
    """What of its page changes while it is on its way."""
    return await _delivery(request, platform, delivery_id, "notifications_attempts.html")


@router.post("/deliveries/{delivery_id}/replay")
async def replay(platform: PlatformDep, delivery_id: str) -> Response:
    """Send it again, and show its page."""
    async with platform.work(write=True) as work:
        await Notifications(work).replay(delivery_id)
    return redirect(f"/notifications/deliveries/{delivery_id}")


@router.get("/{target_id}")
async def one(
    request: Request, platform: PlatformDep, target_id: str, cursor: Cursor = None
) -> Response:
    """One target: what it is told of, and what was sent to it."""
    return await _one(request, platform, target_id, "notifications_one.html", Form(), cursor)


@router.get("/{target_id}/live")
async def live(
    request: Request, platform: PlatformDep, target_id: str, cursor: Cursor = None
) -> Response:
    """The log of deliveries of its page."""
    return await _one(request, platform, target_id, "notifications_log.html", Form(), cursor)


@router.post("/{target_id}")
async def change(request: Request, platform: PlatformDep, target_id: str) -> Response:
    """Rename it, tell it of other things, switch it on or off."""
    form = await read_form(request)
    body: dict[str, Any] = form.given("name")
    try:
        asked = validated(
            TargetPatch,
            body | {"events": form.chosen("events"), "enabled": bool(form.text("enabled"))},
        )
        async with platform.work(write=True) as work:
            await Notifications(work).change(target_id, asked)
    except ApiError as error:
        return await _one(
            request, platform, target_id, "notifications_one.html", form.refused(error), None
        )
    return redirect(f"/notifications/{target_id}")


@router.post("/{target_id}/test")
async def try_out(platform: PlatformDep, target_id: str) -> Response:
    """Send a message to try it out, and show what becomes of it."""
    async with platform.work(write=True) as work:
        sent = await Notifications(work).test(target_id)
    return redirect(f"/notifications/deliveries/{sent.id}")


@router.get("/{target_id}/delete")
async def ask(request: Request, platform: PlatformDep, target_id: str) -> Response:
    """Say what goes, before it is deleted."""
    target = await _get(platform, target_id)
    return question(request, "notification target", "notifications", target, target.name)


@router.post("/{target_id}/delete")
async def delete(platform: PlatformDep, target_id: str) -> Response:
    """Delete it with the log of its deliveries, and go to the list."""
    async with platform.work(write=True) as work:
        await Notifications(work).delete(target_id)
    return redirect("/notifications")


async def _list(request: Request, platform: Platform, form: Form, cursor: str | None) -> Response:
    async with platform.work(write=False) as work:
        page = await Notifications(work).page(cursor, _PAGE)
    return render(
        request,
        "notifications.html",
        status=form.status,
        page=page,
        form=form,
        kinds=_KINDS,
        events=_EVENTS,
        mails=platform.settings.smtp_host is not None,
    )


async def _one(
    request: Request,
    platform: Platform,
    target_id: str,
    template: str,
    form: Form,
    cursor: str | None,
) -> Response:
    async with platform.work(write=False) as work:
        target = await Notifications(work).get(target_id)
        log = await Notifications(work).deliveries(target_id, cursor, _DELIVERIES)
    return render(
        request,
        template,
        status=form.status,
        target=target,
        log=log,
        cursor=cursor,
        form=form,
        kinds=_KINDS,
        events=_EVENTS,
    )


async def _delivery(
    request: Request, platform: Platform, delivery_id: str, template: str
) -> Response:
    async with platform.work(write=False) as work:
        found = await Notifications(work).delivery(delivery_id)
        target = await Notifications(work).get(found.target_id)
    waiting = found.status is DeliveryStatus.WAITING
    return render(request, template, delivery=found, target=target, waiting=waiting)


async def _get(platform: Platform, target_id: str) -> NotificationTarget:
    async with platform.work(write=False) as work:
        return await Notifications(work).get(target_id)
