"""What is kept for a while only, and what is not touched by that."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.backends.registry import Backends
from app.parts import create_platform
from app.platform import retention
from app.platform.clock import now
from app.platform.jobs import JobKind, Jobs
from app.platform.queues import Queue
from app.platform.retention import KEPT, MESSAGES_KEPT, forget_old
from app.platform.settings import Settings
from app.tables import (
    AuditEventRow,
    ConsoleSessionRow,
    IdempotencyKeyRow,
    NotificationDeliveryRow,
    NotificationRow,
    NotificationTargetRow,
)
from tests.acting import acting_for_anybody
from tests.platform.waiting import until


def answered(key: str, *, hours_over: float) -> IdempotencyKeyRow:
    at = now() - KEPT - timedelta(hours=hours_over)
    common = {"scope": "s", "fingerprint": "", "status_code": 202, "location": None, "body": {}}
    return IdempotencyKeyRow(key=key, created_at=at, **common)


def told(name: str, *, hours_over: float) -> NotificationRow:
    at = now() - MESSAGES_KEPT - timedelta(hours=hours_over)
    return NotificationRow(id=name, type="x.ready", subject_id="x", data={}, created_at=at)


def target() -> NotificationTargetRow:
    common = {"kind": "email", "name": "", "address": "", "events": [], "enabled": True}
    return NotificationTargetRow(id="nt", created_at=now(), **common)


def delivery(notification: str) -> NotificationDeliveryRow:
    common = {"target_id": "nt", "status": "delivered", "created_at": now()}
    return NotificationDeliveryRow(id="dlv", notification_id=notification, **common)


def audited(name: str, settings: Settings, *, hours_over: float) -> AuditEventRow:
    at = now() - timedelta(days=settings.keep_audit_days, hours=hours_over)
    common = {"actor": "local", "action": "created", "kind": "datasets", "request_id": None}
    return AuditEventRow(id=name, at=at, subject_id="ds", **common)


def login(name: str, *, hours_over: float) -> ConsoleSessionRow:
    expires = now() - timedelta(hours=hours_over)
    return ConsoleSessionRow(hash=name, key_id=None, created_at=now(), expires_at=expires)


async def test_answers_and_traces_of_jobs_are_forgotten_in_time(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old answers go, young ones stay; a job that has ended is forgotten, one that waits is not."""
    done: list[str] = []

    async def step(row: str) -> None:
        done.append(row)

    async def fail(row: str, code: str, message: str) -> None:
        raise AssertionError(code)

    async def unfinished() -> Sequence[str]:
        return []

    jobs = Jobs(
        settings.jobs_url,
        queues={"heard": Queue(1), "unheard": Queue(1)},
        acting_for=acting_for_anybody,
    )
    for queue in ("heard", "unheard"):
        jobs.define(JobKind(queue, queue, [step], fail, unfinished))
    platform = replace(create_platform(settings, Backends({})), jobs=jobs)
    await platform.database.migrate()
    await jobs.open(["heard"])
    await jobs.start("heard", "ended")
    await jobs.start("unheard", "waiting")
    async with platform.work(write=True) as work:
        work.session.add_all([answered("old", hours_over=1), answered("young", hours_over=-1)])
        work.session.add_all([told("old", hours_over=1), told("young", hours_over=-1), target()])
        work.session.add_all([login("old", hours_over=1), login("young", hours_over=-1)])
        work.session.add_all(
            [
                audited("old", settings, hours_over=1),
                audited("young", settings, hours_over=-1),
            ]
        )
        await work.session.flush()
        work.session.add(delivery("old"))

    await until(lambda: done == ["ended"])
    await forget_old(platform)
    async with platform.work(write=False) as work:
        assert (await work.session.scalars(select(IdempotencyKeyRow.key))).all() == ["young"]
        assert (await work.session.scalars(select(NotificationRow.id))).all() == ["young"]
        assert (await work.session.scalars(select(NotificationDeliveryRow.id))).all() == []
        assert (await work.session.scalars(select(ConsoleSessionRow.hash))).all() == ["young"]
        ours = select(AuditEventRow.id).where(AuditEventRow.subject_id == "ds")
        assert (await work.session.scalars(ours)).all() == ["young"]
    # What has just ended is known for a week; then it would begin anew if it were started again.
    await jobs.start("heard", "ended")
    monkeypatch.setattr(retention, "KEPT", timedelta(seconds=-1))
    await forget_old(platform)
    await jobs.start("heard", "ended")
    await until(lambda: done == ["ended", "ended"])
    assert await jobs._store.find("waiting") is not None
    await jobs.close()
    await platform.database.close()
