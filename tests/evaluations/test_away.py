"""A database that is away for a moment: what was answered, and may have been paid for, is kept."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy.exc import OperationalError

from app.evaluations.job_side import JobSide, Outcome
from app.evaluations.repository import EvaluationRepository
from app.evaluations.watch import UnwantedError, Watch
from app.main import create_app
from app.platform import steps
from app.platform.clock import new_id, now
from app.platform.jobs import patiently
from app.platform.settings import Settings
from app.platform.work import Platform
from app.tables import DatasetRow, EvaluationRow

ID = "ev_1"


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    """One whose database has no tables yet: what is asked of it fails as if it were away."""
    found: Platform = create_app(Settings(data_dir=tmp_path, _env_file=None)).state.platform
    yield found
    await found.database.close()


async def come_back(platform: Platform, status: str = "running") -> None:
    """From now on there is a database, with one evaluation."""
    await platform.database.migrate()
    async with platform.work(write=True) as work:
        dataset = DatasetRow(id=new_id("ds"), name="d", status="ready", created_at=now())
        work.session.add(dataset)
        await work.session.flush()
        row = EvaluationRow(
            id=ID,
            name=ID,
            dataset_id=dataset.id,
            splits=[],
            tasks=[],
            options={},
            status=status,
            created_at=now(),
        )
        await EvaluationRepository(work.session).add(row, [])


async def test_progress_that_cannot_be_stored_ends_nothing(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is logged; later it is stored again, and a cancellation is seen."""
    monkeypatch.setattr("app.evaluations.watch.LOOK_SECONDS", 0)
    watch = Watch(platform, ID, 10)
    with structlog.testing.capture_logs() as logs:
        await watch.look()
    assert [each["event"] for each in logs] == ["progress_not_stored"]
    await come_back(platform)
    watch.begin("mdl_1")
    watch.answered(5)
    await watch.look()
    async with platform.work(write=True) as work:
        row = await EvaluationRepository(work.session).get(ID)
        assert row is not None
        assert row.stage == "mdl_1"
        assert row.progress == pytest.approx(0.475)
    again = Watch(platform, ID, 10)
    again.answered(1)
    await again.look()  # begun anew: it is behind, and that is not shown
    async with platform.work(write=True) as work:
        row = await EvaluationRepository(work.session).get(ID)
        assert row is not None
        assert row.progress == pytest.approx(0.475)
        row.status = "cancelled"
    with pytest.raises(UnwantedError):
        await watch.look()


async def test_what_was_measured_is_stored_later(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once there is a database again; and not for ever is it waited for."""
    monkeypatch.setattr(steps, "_PAUSE_SECONDS", 0.01)
    tried = 0

    async def begin() -> bool:
        nonlocal tried
        tried += 1
        if tried == 3:
            await come_back(platform, "queued")
        async with platform.work(write=True) as work:
            return await JobSide(work).record(ID, "", 0.0)

    assert await patiently(begin, ID, 1) is False
    assert tried == 3

    async def away() -> None:
        nonlocal tried
        tried += 1
        raise OperationalError("", None, Exception())

    tried = 0
    with pytest.raises(OperationalError):
        await patiently(away, ID, 0.07)  # pauses of 0.01, 0.02 and 0.04
    assert tried == 4


async def test_to_store_twice_is_to_store_once(platform: Platform) -> None:
    """A commit whose answer was lost is repeated: what was stored must not look unwanted."""
    await come_back(platform, "succeeded")
    async with platform.work(write=True) as work:
        assert await JobSide(work).succeed(ID, Outcome([], [], []))
    async with platform.work(write=True) as work:
        row = await EvaluationRepository(work.session).get(ID)
        assert row is not None
        row.status = "cancelled"
    async with platform.work(write=True) as work:
        assert not await JobSide(work).succeed(ID, Outcome([], [], []))
