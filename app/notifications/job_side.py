"""What the job of an attempt does to rows: each method is one transaction of it."""

from collections.abc import Sequence
from datetime import datetime

from app.notifications.messages import body
from app.notifications.repository import NotificationRepository
from app.notifications.schedule import pause_after
from app.notifications.schemas import AttemptStatus, DeliveryStatus
from app.notifications.sending import GONE, TARGET_DISABLED, Outcome, Sending
from app.platform.clock import new_id, now
from app.platform.work import Work
from app.tables import NotificationAttemptRow, NotificationDeliveryRow

JOB = "notification_attempt"
_FINAL = frozenset({GONE, TARGET_DISABLED})


class JobSide:
    """An attempt as its job sees it. Every method is safe to repeat."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._rows = NotificationRepository(work.session)

    async def begin(self, attempt_id: str) -> Sending | None:
        """What to send, and where; None if there is nothing to do any more."""
        found = await self._waiting(attempt_id)
        if found is None:
            return None
        delivery, attempt = found
        target = await self._rows.target(delivery.target_id)
        message = await self._rows.message(delivery.notification_id)
        assert target is not None
        assert message is not None
        if not target.enabled:
            await self._settle(delivery, attempt, Outcome(TARGET_DISABLED))
            return None
        attempt.started_at = now()
        return Sending(
            kind=target.kind,
            target_id=target.id,
            address=target.address,
            secret=target.secret,
            message_id=message.id,
            message=body(message),
            number=attempt.number,
        )

    async def finish(self, attempt_id: str, outcome: Outcome) -> None:
        """Store what came of it; if it failed, there is a next attempt, or none any more."""
        found = await self._waiting(attempt_id)
        if found is not None:
            await self._settle(*found, outcome)

    async def disable(self, target_id: str) -> None:
        """Send nothing to a target any more: its receiver wants nothing."""
        target = await self._rows.target(target_id, lock=True)
        if target is not None:
            target.enabled = False

    async def due(self, until: datetime, since: datetime | None = None) -> Sequence[str]:
        """Ids of attempts that are due by then, or have become so since."""
        return await self._rows.due(AttemptStatus.WAITING, until, since)

    async def _waiting(
        self, attempt_id: str
    ) -> tuple[NotificationDeliveryRow, NotificationAttemptRow] | None:
        """An attempt that is to be made, with its delivery, locked."""
        delivery_id = await self._rows.delivery_of(attempt_id)
        delivery = delivery_id and await self._rows.delivery(delivery_id, lock=True)
        attempt = await self._rows.attempt(attempt_id) if delivery else None
        if not delivery or attempt is None or attempt.status != AttemptStatus.WAITING:
            return None
        return delivery, attempt

    async def _settle(
        self,
        delivery: NotificationDeliveryRow,
        attempt: NotificationAttemptRow,
        outcome: Outcome,
    ) -> None:
        moment = now()
        attempt.finished_at = moment
        attempt.http_status, attempt.error = outcome.http_status, outcome.error
        if outcome.error is None:
            attempt.status = AttemptStatus.SUCCEEDED.value
            delivery.status, delivery.finished_at = DeliveryStatus.DELIVERED.value, moment
            return
        attempt.status = AttemptStatus.FAILED.value
        pause = pause_after(attempt.number, outcome.retry_after)
        if pause is None or outcome.error in _FINAL:
            delivery.status, delivery.finished_at = DeliveryStatus.FAILED.value, moment
        else:
            await self._rows.add(new_attempt(delivery.id, attempt.number + 1, moment + pause))


def new_attempt(delivery_id: str, number: int, due_at: datetime) -> NotificationAttemptRow:
    """An attempt to be made then."""
    return NotificationAttemptRow(
        id=new_id("att"),
        delivery_id=delivery_id,
        number=number,
        status=AttemptStatus.WAITING.value,
        due_at=due_at,
    )
