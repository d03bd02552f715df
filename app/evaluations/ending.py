"""The one place where an evaluation ends, in the transaction of whoever ends it."""

from app.evaluations.schemas import Status
from app.notifications.service import Notifications
from app.platform.clock import now
from app.platform.work import Work
from app.tables import EvaluationRow


async def end(work: Work, row: EvaluationRow, status: Status) -> None:
    """Give an evaluation that has not ended its last status, and tell of it."""
    row.status, row.finished_at = status.value, now()
    await Notifications(work).announce(row)
