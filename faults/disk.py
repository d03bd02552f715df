"""A blob folder with no room left: it lies on a small tmpfs, filled but for so many bytes.

Clients are told `storage_full`, nothing half is kept, and once there is room all goes on.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from faults.asking import LARGE, Inputs, Scenario, ended, prepare
from faults.fleet import API, END_SECONDS, Fleet, sqlite_fleet
from faults.points import LIMIT_SECONDS, Point, Verdict, difference
from faults.scenarios import SCENARIOS
from faults.servers import Servers

NAME = "disk full"
_SIZE_BYTES = 64 << 20


@dataclass(frozen=True)
class Case:
    """A job that finds so many bytes free, and with `killed` is cut off by kill -9 besides."""

    scenario: str
    free_bytes: int
    refused: bool  # at once, with 507; else the job fails
    killed: bool = False


CASES = [
    Case("ingest", len(LARGE) // 2, refused=True),
    Case("ingest", len(LARGE) + (256 << 10), refused=False),
    Case("ingest", len(LARGE) + (256 << 10), refused=False, killed=True),
    Case("training file", 256 << 10, refused=False),
    Case("training file", 256 << 10, refused=False, killed=True),
    Case("local batch", 16 << 10, refused=False),
]


def missing() -> str | None:
    """Why it cannot be tried here; None if it can."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return "only root may mount a tmpfs"
    return None


def try_disk(
    folder: Path, servers: Servers, numbers: Iterator[int], more: Callable[[], bool]
) -> Iterator[Point]:
    """All cases, as long as there are to be `more`."""
    with _small_disk(folder) as small, sqlite_fleet(folder, servers.settings) as fleet:
        inputs = prepare(fleet)
        for case, number in zip(CASES, numbers, strict=False):
            if not more():
                return
            doing = f"{case.free_bytes >> 10} KiB free, {case.scenario}"
            doing += ", killed" if case.killed else ""
            scenario = next(each for each in SCENARIOS if each.name == case.scenario)
            begun = time.monotonic()
            verdict = Verdict()
            try:
                _try(fleet, small, inputs, scenario, case, f"disk-{number}", verdict)
            except TimeoutError as error:
                verdict.stuck.append(str(error))
            seconds = time.monotonic() - begun
            yield Point(number, fleet.name, NAME, doing, seconds, verdict)


def _try(
    fleet: Fleet,
    small: Path,
    inputs: Inputs,
    scenario: Scenario,
    case: Case,
    key: str,
    verdict: Verdict,
) -> None:
    usual = _outcome(fleet, inputs, scenario, f"{key}-before")
    before = _stored(fleet)
    with _filled(small, case.free_bytes):
        told = _asked(fleet, inputs, scenario, case, f"{key}-full")
        if told != "storage_full":
            verdict.lost.append(f"{scenario.name} without room ends as {told}")
        if new := sorted(_stored(fleet) - before):
            verdict.lost.append(f"kept of what failed: {new}")
    again = _outcome(fleet, inputs, scenario, f"{key}-after")
    if again != usual:
        verdict.lost.append(f"once there is room: {difference(usual, again)}")


def _asked(fleet: Fleet, inputs: Inputs, scenario: Scenario, case: Case, key: str) -> str:
    """The code of the problem, or of the error that the job has ended with; else how it ended."""
    if case.refused:
        files = {"file": ("large.txt", LARGE)}
        answer = fleet.ask("POST", "/v1/datasets", files=files, headers={"Idempotency-Key": key})
        if answer is None or answer.status_code != 507:
            return f"answer {answer and answer.status_code}"
        return str(answer.json()["code"])
    location = scenario.begin(fleet, inputs, key)
    if case.killed:
        fleet.kill(API)
        fleet.start()
        fleet.ready()
    end = ended(fleet, location, LIMIT_SECONDS)
    return str(end["error"]["code"]) if end["error"] else str(end["status"])


def _outcome(fleet: Fleet, inputs: Inputs, scenario: Scenario, key: str) -> object:
    return scenario.outcome(fleet, ended(fleet, scenario.begin(fleet, inputs, key), END_SECONDS))


def _stored(fleet: Fleet) -> set[str]:
    blobs = fleet.data / "blobs"
    return {str(path.relative_to(blobs)) for path in blobs.rglob("*") if path.is_file()}


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    """A file system of a few MiB; the blob folder of the fleet in `folder` lies on it."""
    small, blobs = folder / "small", folder / "data" / "blobs"
    small.mkdir(parents=True)
    blobs.parent.mkdir()
    size = f"size={_SIZE_BYTES}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(small)], check=True)
    try:
        (small / "blobs").mkdir()
        blobs.symlink_to(small / "blobs")
        yield small
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


@contextmanager
def _filled(disk: Path, free_bytes: int) -> Iterator[None]:
    """Fill the disk but for so many bytes."""
    fill = disk / "fill"
    with fill.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free - free_bytes)
    try:
        yield
    finally:
        fill.unlink()
