"""The job of an attempt: send one message to one address, once; the row says what came of it.

An attempt that failed leaves a row for the next one, with a time; `start_due` starts the job of
each when its time has come. A process that dies between sending and storing sends again: receivers
know a message by its id.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import structlog

from app.notifications.job_side import JOB, JobSide
from app.notifications.mail import send_mail
from app.notifications.sending import GONE, Outcome, Sending
from app.notifications.webhooks import Webhooks
from app.platform.clock import now
from app.platform.jobs import JobKind, patiently
from app.platform.work import Platform

log = structlog.get_logger(__name__)

QUEUE = "notifications"
AT_ONCE = 32  # in one process: an attempt is waiting, mostly
LOOK_SECONDS = 2.0
# What has become due so long before the last look is looked for again: clocks differ, and commits
# take their time. Starting a job twice does nothing.
_OVERLAP = timedelta(seconds=10)


def notification_job(platform: Platform) -> JobKind:
    """The job that makes an attempt."""
    webhooks = Webhooks(private=platform.settings.notify_private)

    async def send(sending: Sending) -> Outcome:
        if sending.kind == "email":
            return await send_mail(platform.settings, sending)
        return await webhooks.send(sending)

    async def attempt(attempt_id: str) -> None:
        async with platform.work(write=True) as work:
            sending = await JobSide(work).begin(attempt_id)
        if sending is None:
            return
        outcome = await send(sending)
        log.info("notification_sent", id=attempt_id, kind=sending.kind, error=outcome.error)

        async def store() -> None:
            if outcome.error == GONE:
                async with platform.work(write=True) as work:
                    await JobSide(work).disable(sending.target_id)
            async with platform.work(write=True) as work:
                await JobSide(work).finish(attempt_id, outcome)

        # By itself: the whole step, done again, would send the message again.
        await patiently(store, attempt_id, platform.settings.database_patience_seconds)

    async def fail(attempt_id: str, code: str, message: str) -> None:
        async with platform.work(write=True) as work:
            await JobSide(work).finish(attempt_id, Outcome(code))

    async def unfinished() -> Sequence[str]:
        async with platform.work(write=False) as work:
            return await JobSide(work).due(now())

    return JobKind(JOB, QUEUE, [attempt], fail, unfinished)


def start_due(platform: Platform) -> Callable[[], Awaitable[None]]:
    """What is to be done every `LOOK_SECONDS`: start the jobs of attempts that have become due.

    Any number of processes may do it. What was due before the first look, the sweep of the job
    engine starts.
    """
    last_look = now()

    async def look() -> None:
        nonlocal last_look
        moment = now()
        async with platform.work(write=False) as work:
            due = await JobSide(work).due(moment, last_look - _OVERLAP)
        for attempt_id in due:
            await platform.jobs.start(JOB, attempt_id)
        last_look = moment

    return look
