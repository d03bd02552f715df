"""The job engine on its real database: nothing is lost, nothing is done twice."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.platform.jobs import JobError, JobKind, Jobs

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


def engine(folder: Path, ledger: Ledger) -> Jobs:
    jobs = Jobs(f"sqlite:///{folder}/jobs.db", queues={"short": 4})
    steps = {
        "good": [ledger.first, ledger.second],
        "refused": [ledger.first, ledger.refuses, ledger.second],
        "broken": [ledger.breaks, ledger.second],
    }
    for name, kind_steps in steps.items():
        unfinished = ledger.unfinished if name == "good" else ledger.none
        jobs.define(JobKind(name, "short", kind_steps, ledger.fail, unfinished))
    return jobs


async def until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_steps_run_in_order_and_once(tmp_path: Path) -> None:
    """Starting a job twice runs it once."""
    ledger = Ledger()
    ledger.release.set()
    jobs = engine(tmp_path, ledger)
    await jobs.open()
    await asyncio.gather(*(jobs.start("good", "row1") for _ in range(3)))
    await until(lambda: "second row1" in ledger.done)
    await asyncio.sleep(0.5)
    await jobs.close()
    assert ledger.done == ["first row1", "second row1"]


async def test_a_cut_off_job_goes_on_in_the_next_process(tmp_path: Path) -> None:
    """Steps that were done are not repeated, the one that was cut off is."""
    ledger = Ledger()
    jobs = engine(tmp_path, ledger)
    await jobs.open()
    await jobs.start("good", "row1")
    await until(lambda: ledger.done == ["first row1"])
    await asyncio.sleep(0.3)
    await jobs.close()
    assert ledger.done == ["first row1"]
    assert ledger.failed == []
    ledger.release.set()
    jobs = engine(tmp_path, ledger)
    await jobs.open()
    await until(lambda: "second row1" in ledger.done)
    await jobs.close()
    assert ledger.done == ["first row1", "second row1"]


async def test_failures_end_the_job_and_hide_the_text(tmp_path: Path) -> None:
    """A refusal keeps its code, anything else becomes internal_error; later steps do not run."""
    ledger = Ledger()
    ledger.release.set()
    jobs = engine(tmp_path, ledger)
    await jobs.open()
    await jobs.start("refused", "row1")
    await jobs.start("broken", "row2")
    await until(lambda: len(ledger.failed) == 2)
    await jobs.close()
    failed = {row: (code, message) for row, code, message in ledger.failed}
    assert failed["row1"] == ("no_good", "It is no good.")
    assert failed["row2"][0] == "internal_error"
    assert ledger.done == ["first row1"]
    assert b"secret text" not in (tmp_path / "jobs.db").read_bytes()


async def test_sweep_starts_what_a_crash_left_unstarted(tmp_path: Path) -> None:
    """A committed row whose job was never started is started; one whose job ended is failed."""
    ledger = Ledger()
    ledger.release.set()
    jobs = engine(tmp_path, ledger)
    await jobs.open()
    await jobs.start("good", "ended")
    await until(lambda: "second ended" in ledger.done)
    await asyncio.sleep(0.3)
    ledger.open_rows = ["ended", "unstarted"]
    await jobs.sweep()
    await until(lambda: any("second unstarted" in line for line in ledger.done))
    await jobs.close()
    assert [row for row, _, _ in ledger.failed] == ["ended"]
