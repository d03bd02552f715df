"""What processes cost: memory and processor time of trees of them, from /proc, so on Linux alone.

Resident memory of a tree is the sum over its processes: what they share is counted for each.
"""

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
# Fields of /proc/<pid>/stat (proc(5)) after the name in brackets, which may hold anything.
_PARENT, _USER, _SYSTEM, _USER_ENDED, _SYSTEM_ENDED, _RESIDENT = 1, 11, 12, 13, 14, 21
_IDLE, _WAITING = 3, 4  # fields of the line "cpu" of /proc/stat


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one process: bytes resident, seconds of processor it had, and its ended children had."""

    resident: int
    own: float
    ended: float

    @property
    def seconds(self) -> float:
        """Of both."""
        return self.own + self.ended


def tree(root: int) -> dict[int, Cost]:
    """The process and all that descend from it; empty if it is gone."""
    found, children = {}, dict[int, list[int]]()
    for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        own = (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS
        ended = (int(fields[_USER_ENDED]) + int(fields[_SYSTEM_ENDED])) / _TICKS
        found[pid] = Cost(int(fields[_RESIDENT]) * _PAGE, own, ended)
        children.setdefault(int(fields[_PARENT]), []).append(pid)
    wanted = [root] if root in found else []
    for pid in wanted:  # it grows meanwhile
        wanted += children.get(pid, [])
    return {pid: found[pid] for pid in wanted}


def busy() -> float:
    """Seconds of processor that all of this machine has had, over its cores."""
    ticks = [int(value) for value in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(ticks) - ticks[_IDLE] - ticks[_WAITING]) / _TICKS


@dataclass(frozen=True, slots=True)
class Sample:
    """Bytes resident at a time, in seconds since the first: of a tree, its root, its largest."""

    at: float
    whole: int
    root: int
    largest: int


@dataclass
class Watched:
    """Trees by the name of their root: what was used in a block, in seconds of processor.

    By each tree (`seconds`), by its root alone, by this process (`own`), by the machine (`used`).
    """

    roots: Mapping[str, int]
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    root_seconds: dict[str, float] = field(default_factory=dict)
    elapsed: float = 0.0
    used: float = 0.0
    own: float = 0.0

    def peak(self, name: str) -> int:
        """Most bytes a tree had at one time, as far as samples show."""
        return max(sample.whole for sample in self.samples[name])

    def at(self, name: str, share: float) -> Sample:
        """When so much of the time had gone by."""
        samples = self.samples[name]
        return samples[int(share * (len(samples) - 1))]

    def cores(self, name: str) -> float:
        """How many cores a tree kept busy on average."""
        return self.seconds[name] / self.elapsed

    @property
    def foreign(self) -> float:
        """How many cores were kept busy by what is neither in a tree nor this process."""
        return max(0.0, self.used - self.own - sum(self.seconds.values())) / self.elapsed


@contextmanager
def watched(roots: Mapping[str, int], every: float = 0.5) -> Iterator[Watched]:
    """Samples the trees every so many seconds for the length of the block."""
    seen = Watched(roots, {name: [] for name in roots})
    before = {name: tree(root) for name, root in roots.items()}
    begun, used, own = time.monotonic(), busy(), time.process_time()
    done = threading.Event()

    def sample() -> None:
        for name, root in roots.items():
            resident = {pid: cost.resident for pid, cost in tree(root).items()}
            sizes = resident.values()
            at = time.monotonic() - begun
            largest = max(sizes, default=0)
            seen.samples[name].append(Sample(at, sum(sizes), resident.get(root, 0), largest))

    def run() -> None:
        sample()
        while not done.wait(every):
            sample()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()
        sample()
        seen.elapsed, seen.used = time.monotonic() - begun, busy() - used
        seen.own = time.process_time() - own
        for name, root in roots.items():
            after = tree(root)
            seen.seconds[name] = _total(after) - _total(before[name])
            if root in after:
                seen.root_seconds[name] = after[root].own - before[name][root].own


def machine() -> str:
    """In a line: what there is, and how loaded it is by others before anything is measured."""
    return f"{os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}"


def mb(size: float) -> str:
    """Bytes in megabytes (10^6)."""
    return f"{size / 1e6:,.0f} MB"


def _total(costs: Mapping[int, Cost]) -> float:
    return sum(cost.seconds for cost in costs.values())
