"""Removes what is kept only for a while: of jobs and resources themselves nothing."""

from datetime import timedelta

from sqlalchemy import delete

from app.platform.clock import now
from app.platform.idempotency import FORGETTING
from app.platform.work import Platform
from app.tables import AuditEventRow, ConsoleSessionRow, IdempotencyKeyRow, NotificationRow

# How long the answer to a request can be had again by its key, and how long the engine remembers a
# job that has ended; what clients see of it is in a row of its own.
KEPT = timedelta(days=7)
# How long the log of messages is kept; the last attempt comes some four days after the first.
MESSAGES_KEPT = timedelta(days=30)


async def forget_old(platform: Platform) -> None:
    """Remove answers to requests with a key, messages with the log of their deliveries, logins that
    have ended, the oldest of the audit log, and the engine's traces of jobs that have ended.

    Any number of processes may do it at once.
    """
    before = now() - KEPT
    async with platform.work(write=True) as work:
        # Two that remove the same rows in another order would wait for each other for ever.
        await work.one_at_a_time(FORGETTING)
        await work.session.execute(
            delete(IdempotencyKeyRow).where(IdempotencyKeyRow.created_at < before)
        )
        await work.session.execute(
            delete(NotificationRow).where(NotificationRow.created_at < now() - MESSAGES_KEPT)
        )
        await work.session.execute(
            delete(ConsoleSessionRow).where(ConsoleSessionRow.expires_at < now())
        )
        audited = timedelta(days=platform.settings.keep_audit_days)
        await work.session.execute(delete(AuditEventRow).where(AuditEventRow.at < now() - audited))
    await platform.jobs.forget_ended(before)
