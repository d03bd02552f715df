"""The job engine on its real database: nothing is lost, nothing is done twice."""

import asyncio
import logging
from collections.abc import Sequence

import pytest
from sqlalchemy import create_engine, inspect, text

from app.platform.jobs import JobError, JobKind, Jobs
from app.platform.queues import Queue
from app.platform.settings import Settings
from tests.acting import acting_for_anybody
from tests.platform.waiting import all_ended

pytestmark = pytest.mark.asyncio(loop_scope="function")


class Ledger:
    """What the steps of a job did."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.failed: list[tuple[str, str, str]] = []
        self.release = asyncio.Event()
        self.open_rows: list[str] = []

    async def first(self, row: str) -> None:
        self.done.append(f"first {row}")

    async def second(self, row: str) -> None:
        await self.release.wait()
        self.done.append(f"second {row}")

    async def refuses(self, row: str) -> None:
        raise JobError("no_good", "It is no good.")

    async def breaks(self, row: str) -> None:
        raise ValueError("secret text")

    async def fail(self, row: str, code: str, message: str) -> None:
        self.failed.append((row, code, message))
        self.open_rows = [r for r in self.open_rows if r != row]

    async def unfinished(self) -> Sequence[str]:
        return list(self.open_rows)

    async def none(self) -> Sequence[str]:
        return []


def engine(settings: Settings, ledger: Ledger) -> Jobs:
    jobs = Jobs(settings.jobs_url, queues={"short": Queue(4)}, acting_for=acting_for_anybody)
    steps = {
        "good": [ledger.first, ledger.second],
        "refused": [ledger.first, ledger.refuses, ledger.second],
        "broken": [ledger.breaks, ledger.second],
    }
    for name, kind_steps in steps.items():
        unfinished = ledger.unfinished if name == "good" else ledger.none
        jobs.define(JobKind(name, "short", kind_steps, ledger.fail, unfinished))
    return jobs


def stored(settings: Settings) -> bytes:
    """All that the engine keeps."""
    if settings.database_url is None:
        return (settings.data_dir / "jobs.db").read_bytes()
    engine = create_engine(settings.jobs_url)
    with engine.connect() as connection:
        names = inspect(connection).get_table_names(schema="dbos")
        rows = [connection.execute(text(f"SELECT t::text FROM dbos.{n} t")).all() for n in names]
    engine.dispose()
    return repr(rows).encode()


async def until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_steps_run_in_order_and_once(settings: Settings) -> None:
    """Starting a job twice runs it once."""
    ledger = Ledger()
    ledger.release.set()
    jobs = engine(settings, ledger)
    await jobs.open()
    await asyncio.gather(*(jobs.start("good", "row1") for _ in range(3)))
    await until(lambda: "second row1" in ledger.done)
    await asyncio.sleep(0.5)
    await jobs.close()
    assert ledger.done == ["first row1", "second row1"]


async def test_a_cut_off_job_goes_on_in_the_next_process(settings: Settings) -> None:
    """Steps that were done are not repeated, the one that was cut off is."""
    ledger = Ledger()
    jobs = engine(settings, ledger)
    await jobs.open()
    await jobs.start("good", "row1")
    await until(lambda: ledger.done == ["first row1"])
    await asyncio.sleep(0.3)
    await jobs.close()
    assert ledger.done == ["first row1"]
    assert ledger.failed == []
    ledger.release.set()
    jobs = engine(settings, ledger)
    await jobs.open()
    await until(lambda: "second row1" in ledger.done)
    await jobs.close()
    assert ledger.done == ["first row1", "second row1"]


async def test_failures_end_the_job_and_hide_the_text(settings: Settings) -> None:
    """A refusal keeps its code, anything else becomes internal_error; later steps do not run."""
    ledger = Ledger()
    ledger.release.set()
    jobs = engine(settings, ledger)
    await jobs.open()
    await jobs.start("refused", "row1")
    await jobs.start("broken", "row2")
    await until(lambda: len(ledger.failed) == 2)
    await jobs.close()
    failed = {row: (code, message) for row, code, message in ledger.failed}
    assert failed["row1"] == ("no_good", "It is no good.")
    assert failed["row2"][0] == "internal_error"
    assert ledger.done == ["first row1"]
    assert b"row2" in stored(settings)
    assert b"secret text" not in stored(settings)


async def test_the_engine_says_nothing_in_a_way_of_its_own(settings: Settings) -> None:
    """Its logger has no handler that would write messages as they are, nor keeps them to itself."""
    logger = logging.getLogger("dbos")
    logger.handlers, logger.propagate = [], False
    jobs = engine(settings, Ledger())
    await jobs.open()
    await jobs.close()
    assert [type(handler) for handler in logger.handlers] == [logging.NullHandler]
    assert logger.propagate


async def test_sweep_starts_what_a_crash_left_unstarted(settings: Settings) -> None:
    """A committed row whose job was never started is started; one whose job ended is failed."""
    ledger = Ledger()
    ledger.release.set()
    jobs = engine(settings, ledger)
    await jobs.open()
    await jobs.start("good", "ended")
    await until(lambda: "second ended" in ledger.done)
    await all_ended(jobs)
    ledger.open_rows = ["ended", "unstarted"]
    await jobs.sweep()
    await until(lambda: any("second unstarted" in line for line in ledger.done))
    await jobs.close()
    assert [row for row, _, _ in ledger.failed] == ["ended"]
