"""The sweep: what was left unstarted begins by itself, and one bad row harms no other."""

from collections.abc import Sequence

import pytest

from app.platform import jobs as jobs_module
from app.platform.jobs import JobKind, Jobs
from app.platform.queues import Queue
from app.platform.settings import Settings
from tests.acting import acting_for_anybody
from tests.platform.waiting import all_ended, until


class Rows:
    """Rows of a job of one step; `broken` ones have ended in vain and cannot even be failed."""

    def __init__(self, *unfinished: str) -> None:
        self.unfinished_rows = list(unfinished)
        self.done: list[str] = []
        self.failed: list[str] = []
        self.unreadable = 0

    async def step(self, row: str) -> None:
        self.done.append(row)
        if not row.startswith("broken"):
            self.unfinished_rows.remove(row)

    async def fail(self, row: str, code: str, message: str) -> None:
        self.failed.append(row)
        raise ValueError("cannot be failed")

    async def unfinished(self) -> Sequence[str]:
        if self.unreadable:
            self.unreadable -= 1
            raise ValueError("cannot be read")
        return list(self.unfinished_rows)


def engine(settings: Settings, rows: Rows) -> Jobs:
    jobs = Jobs(settings.jobs_url, queues={"short": Queue(1)}, acting_for=acting_for_anybody)
    jobs.define(JobKind("kind", "short", [rows.step], rows.fail, rows.unfinished))
    return jobs


async def test_the_engine_sweeps_by_itself_again_and_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows without a job begin when the engine is opened, or some time after they turned up.

    That the rows cannot be read for a moment does not end it.
    """
    monkeypatch.setattr(jobs_module, "_SWEEP_SECONDS", 0.05)
    rows = Rows("first")
    jobs = engine(settings, rows)
    await jobs.open()
    await until(lambda: rows.done == ["first"])
    rows.unreadable = 2
    await until(lambda: not rows.unreadable)
    rows.unfinished_rows.append("second")
    await until(lambda: rows.done == ["first", "second"])
    await jobs.close()


async def test_a_row_that_cannot_be_failed_stops_no_other(settings: Settings) -> None:
    """The sweep goes on to the next row when `fail` raises."""
    rows = Rows("broken")
    jobs = engine(settings, rows)
    await jobs.open()
    await until(lambda: rows.done == ["broken"])
    await all_ended(jobs)
    rows.unfinished_rows.append("other")
    await jobs.sweep()
    await until(lambda: "other" in rows.done)
    await jobs.close()
    assert rows.failed == ["broken"]


async def test_a_job_whose_queue_is_gone_is_told_of(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """A backend taken out of the settings leaves a job that nobody takes: the log names it."""
    rows = Rows("stranded")
    jobs = Jobs(settings.jobs_url, queues={"gone": Queue(1)}, acting_for=acting_for_anybody)
    jobs.define(JobKind("kind", "gone", [rows.step], rows.fail, rows.unfinished))
    await jobs.migrate()
    await jobs.start("kind", "stranded")
    await jobs.close()
    jobs = engine(settings, rows)
    await jobs.open()
    await jobs.sweep()
    await jobs.close()
    assert (rows.done, rows.failed) == ([], [])
    told = capsys.readouterr().out
    assert "job_waits_in_unknown_queue" in told
    assert "stranded" in told
