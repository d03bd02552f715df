"""`/v1/notification-targets` and `/v1/notification-deliveries`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from app.notifications.schemas import (
    DeliveryDetail,
    NewTarget,
    NotificationDelivery,
    NotificationTarget,
    TargetPatch,
    TargetRequest,
)
from app.notifications.service import Notifications
from app.platform.http import Cursor, Limit, ReadWork, WriteWork
from app.platform.idempotency import IdempotencyKey, created, fingerprint
from app.platform.pagination import Page
from app.platform.problem_json import problem_responses

router = APIRouter(tags=["notifications"])

TARGETS, DELIVERIES = "/notification-targets", "/notification-deliveries"
TargetId = Annotated[str, Path(max_length=100, examples=["nt_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])]
DeliveryId = Annotated[str, Path(max_length=100, examples=["dlv_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])]


async def reading(work: ReadWork) -> Notifications:
    """The room's service in a transaction for reading."""
    return Notifications(work)


async def writing(work: WriteWork) -> Notifications:
    """The room's service in a transaction for writing."""
    return Notifications(work)


Reading = Annotated[Notifications, Depends(reading)]
Writing = Annotated[Notifications, Depends(writing)]


@router.post(
    TARGETS,
    operation_id="createNotificationTarget",
    summary="Be told when something has ended",
    status_code=201,
    response_model=NewTarget,
    responses=problem_responses(
        "malformed_request",
        "idempotency_key_reused",
        "body_too_large",
        "invalid_request",
        "forbidden_address",
    ),
)
async def create_target(
    work: WriteWork, request: TargetRequest, idempotency_key: IdempotencyKey = None
) -> Response:
    """Register a webhook or an e-mail address.

    The `secret` of a webhook is in this answer and in no other one: its messages are signed with
    it, after the Standard Webhooks specification.
    """

    async def create() -> tuple[str, NewTarget]:
        target = await Notifications(work).create(request)
        return f"/v1{TARGETS}/{target.id}", target

    asked = fingerprint(request.model_dump(mode="json"))
    return await created(work, "createNotificationTarget", idempotency_key, asked, 201, create)


@router.get(
    TARGETS,
    operation_id="listNotificationTargets",
    summary="List notification targets, newest first",
    responses=problem_responses("invalid_cursor", "invalid_request"),
)
async def list_targets(
    notifications: Reading, cursor: Cursor = None, limit: Limit = 50
) -> Page[NotificationTarget]:
    """All targets, page by page."""
    return await notifications.page(cursor, limit)


@router.get(
    f"{TARGETS}/{{target_id}}",
    operation_id="getNotificationTarget",
    summary="Get one notification target",
    responses=problem_responses("not_found", "invalid_request"),
)
async def get_target(notifications: Reading, target_id: TargetId) -> NotificationTarget:
    """Who is told, and of what."""
    return await notifications.get(target_id)


@router.patch(
    f"{TARGETS}/{{target_id}}",
    operation_id="updateNotificationTarget",
    summary="Change a notification target",
    responses=problem_responses("malformed_request", "not_found", "invalid_request"),
)
async def change_target(
    notifications: Writing, target_id: TargetId, patch: TargetPatch
) -> NotificationTarget:
    """Rename it, tell it of other things, disable or enable it.

    A disabled target is sent nothing; what waited for another attempt is given up.
    """
    return await notifications.change(target_id, patch)


@router.delete(
    f"{TARGETS}/{{target_id}}",
    operation_id="deleteNotificationTarget",
    summary="Delete a notification target",
    status_code=204,
    responses=problem_responses("not_found", "invalid_request"),
)
async def delete_target(notifications: Writing, target_id: TargetId) -> None:
    """Remove it with the log of its deliveries."""
    await notifications.delete(target_id)


@router.post(
    f"{TARGETS}/{{target_id}}/test",
    operation_id="testNotificationTarget",
    summary="Send a test message",
    status_code=202,
    response_model=NotificationDelivery,
    responses=problem_responses(
        "not_found", "conflict", "idempotency_key_reused", "invalid_request"
    ),
)
async def send_test(
    work: WriteWork, target_id: TargetId, idempotency_key: IdempotencyKey = None
) -> Response:
    """Send a message of type `notification_target.test`, whatever its `events` are."""

    async def create() -> tuple[str, NotificationDelivery]:
        delivery = await Notifications(work).test(target_id)
        return f"/v1{DELIVERIES}/{delivery.id}", delivery

    asked = fingerprint(target_id)
    return await created(work, "testNotificationTarget", idempotency_key, asked, 202, create)


@router.get(
    f"{TARGETS}/{{target_id}}/deliveries",
    operation_id="listNotificationDeliveries",
    summary="List what was sent to a target, newest first",
    responses=problem_responses("invalid_cursor", "not_found", "invalid_request"),
)
async def list_deliveries(
    notifications: Reading, target_id: TargetId, cursor: Cursor = None, limit: Limit = 50
) -> Page[NotificationDelivery]:
    """The log of deliveries, page by page."""
    return await notifications.deliveries(target_id, cursor, limit)


@router.get(
    f"{DELIVERIES}/{{delivery_id}}",
    operation_id="getNotificationDelivery",
    summary="Get one delivery with its attempts",
    responses=problem_responses("not_found", "invalid_request"),
)
async def get_delivery(notifications: Reading, delivery_id: DeliveryId) -> DeliveryDetail:
    """What was sent, each attempt, and when the next one is due."""
    return await notifications.delivery(delivery_id)


@router.post(
    f"{DELIVERIES}/{{delivery_id}}/replay",
    operation_id="replayNotificationDelivery",
    summary="Send a message again",
    status_code=202,
    response_model=DeliveryDetail,
    responses=problem_responses(
        "not_found", "conflict", "idempotency_key_reused", "invalid_request"
    ),
)
async def replay_delivery(
    work: WriteWork, delivery_id: DeliveryId, idempotency_key: IdempotencyKey = None
) -> Response:
    """Make a new attempt at once, whatever became of those before; the message keeps its id."""

    async def create() -> tuple[str, DeliveryDetail]:
        delivery = await Notifications(work).replay(delivery_id)
        return f"/v1{DELIVERIES}/{delivery.id}", delivery

    asked = fingerprint(delivery_id)
    return await created(work, "replayNotificationDelivery", idempotency_key, asked, 202, create)
