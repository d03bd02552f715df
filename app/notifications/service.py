"""Notifications: who is told when long jobs have ended, and what became of each message."""

import base64
import secrets
from collections.abc import Sequence
from typing import cast

from app.notifications import messages
from app.notifications.job_side import JOB, new_attempt
from app.notifications.messages import EndedRow
from app.notifications.repository import NotificationRepository
from app.notifications.schemas import (
    SECRET_PREFIX,
    Attempt,
    AttemptStatus,
    DeliveryDetail,
    DeliveryStatus,
    Kind,
    MessageData,
    NewTarget,
    NotificationDelivery,
    NotificationTarget,
    Notify,
    TargetPatch,
    TargetRequest,
    is_email,
)
from app.platform.addresses import check_url
from app.platform.clock import new_id, now
from app.platform.errors import ApiError, FieldError, invalid_field, not_found
from app.platform.idempotency import FORGETTING, forget_answers
from app.platform.pagination import Page, decode_id, encode_cursor
from app.platform.work import Work
from app.tables import NotificationDeliveryRow, NotificationRow, NotificationTargetRow

__all__ = ["Notifications", "Notify"]

_SECRET_BYTES = 32


class Notifications:
    """The notifications room's operations within one unit of work."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._rows = NotificationRepository(work.session)

    # For the rooms whose jobs end

    async def announce(self, row: EndedRow) -> None:
        """Tell of the end of a long job: to be called where its row gets its last status.

        What is to be sent is committed with that, or not at all.
        """
        message = messages.of_end(row, self._work.settings.public_url)
        named = messages.named_in(row)
        told = [
            target
            for target in await self._rows.enabled()
            if target.id in named or messages.listens(target.events, message.type)
        ]
        if told:
            await self._rows.add(message)
            await self._deliver(message, told)

    async def targets(self, target_ids: Sequence[str]) -> list[str]:
        """The ids that a request names in `notify`, each once.

        Raises ApiError `invalid_request` for one there is not.
        """
        known = await self._rows.known(target_ids) if target_ids else set()
        for place, target_id in enumerate(target_ids):
            if target_id not in known:
                detail = "There is no notification target of this id."
                raise invalid_field(f"/notify/{place}", "unknown", detail)
        return list(dict.fromkeys(target_ids))

    async def still_there(self, target_ids: Sequence[str]) -> list[str]:
        """Those of ids named once that have not been deleted since."""
        known = await self._rows.known(target_ids) if target_ids else set()
        return [target_id for target_id in target_ids if target_id in known]

    # Targets

    async def create(self, request: TargetRequest) -> NewTarget:
        """Register a target. Raises ApiError `invalid_request`, `forbidden_address`."""
        self._check(request)
        target_id = new_id("nt")
        row = NotificationTargetRow(
            id=target_id,
            kind=request.kind,
            name=request.name or target_id,
            address=request.address,
            secret=(request.secret or _new_secret()) if request.kind == "webhook" else None,
            events=list(dict.fromkeys(request.events)),
            enabled=request.enabled,
            created_at=now(),
        )
        await self._rows.add(row)
        return NewTarget(**_target(row).model_dump(), secret=row.secret)

    async def get(self, target_id: str) -> NotificationTarget:
        """One target. Raises ApiError `not_found`."""
        return _target(await self._target(target_id))

    async def page(self, cursor: str | None, limit: int) -> Page[NotificationTarget]:
        """Targets, newest first."""
        rows = await self._rows.targets(decode_id(cursor, "nt"), limit + 1)
        more = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
        return Page(items=[_target(row) for row in rows[:limit]], next_cursor=more)

    async def change(self, target_id: str, patch: TargetPatch) -> NotificationTarget:
        """Change a target. Raises ApiError `not_found`."""
        row = await self._target(target_id, lock=True)
        if patch.name is not None:
            row.name = patch.name
        if patch.events is not None:
            row.events = list(dict.fromkeys(patch.events))
        if patch.enabled is not None:
            row.enabled = patch.enabled
        return _target(row)

    async def delete(self, target_id: str) -> None:
        """Remove a target with all deliveries to it. Raises ApiError `not_found`."""
        # Deliveries go in another order than when old messages do: two of this would wait for ever.
        await self._work.one_at_a_time(FORGETTING)
        await self._rows.delete(await self._target(target_id, lock=True))
        # With it what its creation was answered with: its secret.
        await forget_answers(self._work, target_id)

    async def test(self, target_id: str) -> NotificationDelivery:
        """Send a message to try a target out. Raises ApiError `not_found`, `conflict`."""
        row = await self._target(target_id)
        if not row.enabled:
            raise ApiError("conflict", "The target is disabled.")
        message = messages.of_test(row, self._work.settings.public_url)
        await self._rows.add(message)
        [delivery] = await self._deliver(message, [row])
        return NotificationDelivery.model_validate(_facts(delivery, message))

    # Deliveries

    async def deliveries(
        self, target_id: str, cursor: str | None, limit: int
    ) -> Page[NotificationDelivery]:
        """Deliveries to a target, newest first. Raises ApiError `not_found`."""
        await self._target(target_id)
        rows = await self._rows.deliveries(target_id, decode_id(cursor, "dlv"), limit + 1)
        more = encode_cursor(rows[limit - 1][0].id) if len(rows) > limit else None
        items = [NotificationDelivery.model_validate(_facts(*row)) for row in rows[:limit]]
        return Page(items=items, next_cursor=more)

    async def delivery(self, delivery_id: str) -> DeliveryDetail:
        """One delivery with its attempts. Raises ApiError `not_found`."""
        return await self._detail(await self._delivery(delivery_id))

    async def replay(self, delivery_id: str) -> DeliveryDetail:
        """Send a message again, now; an attempt that waits for its time is made now.

        Raises ApiError `not_found`; `conflict` if one is being made, or the target is disabled.
        """
        row = await self._delivery(delivery_id, lock=True)
        if not (await self._target(row.target_id)).enabled:
            raise ApiError("conflict", "The target is disabled.")
        attempts = await self._rows.attempts(row.id)
        last = attempts[-1]
        if last.status != AttemptStatus.WAITING:
            last = new_attempt(row.id, last.number + 1, now())
            row.status, row.finished_at = DeliveryStatus.WAITING.value, None
            await self._rows.add(last)
        elif last.started_at is not None:
            raise ApiError("conflict", "An attempt is being made.")
        else:
            last.due_at = min(last.due_at, now())
        self._work.start_job(JOB, last.id)
        return await self._detail(row)

    async def _deliver(
        self, message: NotificationRow, targets: Sequence[NotificationTargetRow]
    ) -> list[NotificationDeliveryRow]:
        deliveries = [
            NotificationDeliveryRow(
                id=new_id("dlv"),
                notification_id=message.id,
                target_id=target.id,
                status=DeliveryStatus.WAITING.value,
                created_at=message.created_at,
            )
            for target in targets
        ]
        await self._rows.add(*deliveries)
        attempts = [new_attempt(each.id, 1, message.created_at) for each in deliveries]
        await self._rows.add(*attempts)
        for attempt in attempts:
            self._work.start_job(JOB, attempt.id)
        return deliveries

    def _check(self, request: TargetRequest) -> None:
        settings = self._work.settings
        if request.kind == "webhook":
            check_url(request.address, private=settings.notify_private)
        elif settings.smtp_host is None:
            fault = FieldError("/kind", "not_configured", "No e-mail is sent by this service.")
            hint = "Set MEDTUNE_SMTP_HOST and what goes with it, or use a webhook."
            raise ApiError("invalid_request", fault.detail, errors=[fault], hint=hint)
        elif not is_email(request.address):
            raise invalid_field("/address", "not_an_address", "It is not a plain e-mail address.")
        elif request.secret is not None:
            raise invalid_field("/secret", "not_used", "Only webhooks have a secret.")

    async def _target(self, target_id: str, *, lock: bool = False) -> NotificationTargetRow:
        row = await self._rows.target(target_id, lock=lock)
        if row is None:
            raise not_found("notification target", target_id)
        return row

    async def _delivery(self, delivery_id: str, *, lock: bool = False) -> NotificationDeliveryRow:
        row = await self._rows.delivery(delivery_id, lock=lock)
        if row is None:
            raise not_found("notification delivery", delivery_id)
        return row

    async def _detail(self, row: NotificationDeliveryRow) -> DeliveryDetail:
        message = await self._rows.message(row.notification_id)
        assert message is not None
        attempts = [
            Attempt.model_validate(each, from_attributes=True)
            for each in await self._rows.attempts(row.id)
        ]
        data = MessageData.model_validate(message.data)
        return DeliveryDetail.model_validate(
            {**_facts(row, message), "data": data, "attempts": attempts}
        )


def _new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def _target(row: NotificationTargetRow) -> NotificationTarget:
    return NotificationTarget(
        id=row.id,
        kind=cast(Kind, row.kind),
        name=row.name,
        address=row.address,
        events=row.events,
        enabled=row.enabled,
        created_at=row.created_at,
    )


def _facts(delivery: NotificationDeliveryRow, message: NotificationRow) -> dict[str, object]:
    return {
        "id": delivery.id,
        "message_id": message.id,
        "target_id": delivery.target_id,
        "type": message.type,
        "subject_id": message.subject_id,
        "status": delivery.status,
        "created_at": delivery.created_at,
        "finished_at": delivery.finished_at,
    }
