"""Rows of targets, messages, deliveries and attempts."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.tables import (
    NotificationAttemptRow,
    NotificationDeliveryRow,
    NotificationRow,
    NotificationTargetRow,
)


class NotificationRepository:
    """Reads and writes rows in the session's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(
        self,
        *rows: NotificationTargetRow
        | NotificationRow
        | NotificationDeliveryRow
        | NotificationAttemptRow,
    ) -> None:
        """Insert rows, so that rows that refer to them can follow."""
        self._session.add_all(rows)
        await self._session.flush()

    async def target(self, target_id: str, *, lock: bool = False) -> NotificationTargetRow | None:
        """One target; locked, it is as it is now and no one else changes it until the end."""
        return await self._session.get(
            NotificationTargetRow, target_id, with_for_update=lock or None, populate_existing=lock
        )

    async def targets(self, after: str | None, limit: int) -> Sequence[NotificationTargetRow]:
        """Targets, newest first."""
        query = select(NotificationTargetRow).order_by(NotificationTargetRow.id.desc())
        if after is not None:
            query = query.where(NotificationTargetRow.id < after)
        return (await self._session.scalars(query.limit(limit))).all()

    async def enabled(self) -> Sequence[NotificationTargetRow]:
        """All that may be told of something; none of them is deleted until the end of this."""
        query = select(NotificationTargetRow).where(NotificationTargetRow.enabled)
        query = query.order_by(NotificationTargetRow.id)
        return (await self._session.scalars(query.with_for_update(key_share=True, read=True))).all()

    async def known(self, target_ids: Sequence[str]) -> set[str]:
        """Those of these ids that are of targets."""
        query = select(NotificationTargetRow.id).where(NotificationTargetRow.id.in_(target_ids))
        return set(await self._session.scalars(query))

    async def delete(self, row: NotificationTargetRow) -> None:
        """Remove a target and messages about it; the database removes its deliveries."""
        about = delete(NotificationRow).where(NotificationRow.subject_id == row.id)
        await self._session.execute(about)
        await self._session.delete(row)
        await self._session.flush()

    async def message(self, message_id: str) -> NotificationRow | None:
        """One message."""
        return await self._session.get(NotificationRow, message_id)

    async def deliveries(
        self, target_id: str, after: str | None, limit: int
    ) -> Sequence[tuple[NotificationDeliveryRow, NotificationRow]]:
        """Deliveries to a target with their messages, newest first."""
        query = (
            select(NotificationDeliveryRow, NotificationRow)
            .join(NotificationRow, NotificationRow.id == NotificationDeliveryRow.notification_id)
            .where(NotificationDeliveryRow.target_id == target_id)
            .order_by(NotificationDeliveryRow.id.desc())
            .limit(limit)
        )
        if after is not None:
            query = query.where(NotificationDeliveryRow.id < after)
        return [(delivery, message) for delivery, message in await self._session.execute(query)]

    async def delivery(
        self, delivery_id: str, *, lock: bool = False
    ) -> NotificationDeliveryRow | None:
        """One delivery. Whoever changes it, or its attempts, locks it first."""
        return await self._session.get(
            NotificationDeliveryRow,
            delivery_id,
            with_for_update=lock or None,
            populate_existing=lock,
        )

    async def attempt(self, attempt_id: str) -> NotificationAttemptRow | None:
        """One attempt, as it is now."""
        return await self._session.get(NotificationAttemptRow, attempt_id, populate_existing=True)

    async def delivery_of(self, attempt_id: str) -> str | None:
        """The id of the delivery that an attempt belongs to."""
        query = select(NotificationAttemptRow.delivery_id).where(
            NotificationAttemptRow.id == attempt_id
        )
        return await self._session.scalar(query)

    async def attempts(self, delivery_id: str) -> Sequence[NotificationAttemptRow]:
        """All attempts of a delivery, in order."""
        query = select(NotificationAttemptRow).where(
            NotificationAttemptRow.delivery_id == delivery_id
        )
        query = query.order_by(NotificationAttemptRow.number)
        found = await self._session.scalars(query.execution_options(populate_existing=True))
        return found.all()

    async def due(
        self, status: str, until: datetime, since: datetime | None = None
    ) -> Sequence[str]:
        """Ids of the attempts of this status that are due by then, or have become so since."""
        due = NotificationAttemptRow.due_at
        query = select(NotificationAttemptRow.id).where(
            NotificationAttemptRow.status == status, due <= until
        )
        if since is not None:
            query = query.where(due > since)
        return (await self._session.scalars(query.order_by(due))).all()
