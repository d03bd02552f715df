"""The one place where a fine-tune changes its status, and where its events are written."""

from typing import Any

from app.fine_tunes.repository import FineTuneRepository
from app.fine_tunes.states import TERMINAL, TRANSITIONS, Status
from app.notifications.service import Notifications
from app.platform.clock import now
from app.platform.errors import ApiError, not_found
from app.platform.work import Work
from app.tables import FineTuneEventRow, FineTuneRow


class Ledger:
    """Status and events of fine-tunes within one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._rows = FineTuneRepository(work.session)

    async def row(self, fine_tune_id: str) -> FineTuneRow:
        """The row, to be read. Raises ApiError `not_found`."""
        return _there(await self._rows.get(fine_tune_id), fine_tune_id)

    async def locked(self, fine_tune_id: str) -> FineTuneRow:
        """The row, to be changed: no one else does until then. Raises ApiError `not_found`."""
        return _there(await self._rows.lock(fine_tune_id), fine_tune_id)

    async def move(
        self, row: FineTuneRow, following: Status, data: dict[str, Any] | None = None
    ) -> None:
        """Change the status along the transition table. Raises ApiError `conflict`."""
        if following not in TRANSITIONS[Status(row.status)]:
            raise ApiError("conflict", f"A {row.status} fine-tune cannot become {following}.")
        row.status = following.value
        if following in TERMINAL:
            row.finished_at = now()
        await self.event(row, following.value, data)
        if following in TERMINAL:
            await Notifications(self._work).announce(row)

    async def event(self, row: FineTuneRow, kind: str, data: dict[str, Any] | None = None) -> None:
        """Write down that something happened."""
        self._rows.add_event(
            FineTuneEventRow(
                fine_tune_id=row.id,
                sequence=await self._rows.last_event(row.id) + 1,
                at=now(),
                type=kind,
                data=data or {},
            )
        )


def _there(row: FineTuneRow | None, fine_tune_id: str) -> FineTuneRow:
    if row is None:
        raise not_found("fine-tune", fine_tune_id)
    return row
