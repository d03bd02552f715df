"""`python -m faults.hostile [--only CASE]`: what harm uploads can do to a service, measured.

For each of `tests/hostile/files.py` and `uploads.py`: how it was answered, by how much the process
that answers and all its processes together have grown at the most (MiB), and how long others waited
for an answer meanwhile at the most (ms). Exit code 1 beyond 200 MiB or a second, or if it was
answered in another way than such a file is to be.
"""

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from app.own_service import OwnService, own_service
from benchmarks._processes import tree
from tests.hostile.uploads import UPLOADS, as_expected, outcome, send

_MOST_MIB = 200
_MOST_MS = 1000
_PAUSE_SECONDS = 0.02


@dataclass
class Seen:
    """The most that was seen: MiB of the service, and of all its processes; ms of an answer."""

    service: int = 0
    all: int = 0
    answer: int = 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; gives the exit code."""
    cases = {f"{case} ({kind})": kind for kind, files in UPLOADS.items() for case in files}
    parser = argparse.ArgumentParser(prog="faults.hostile", description=__doc__)
    parser.add_argument("--only", action="append", metavar="CASE", choices=list(cases))
    given = parser.parse_args(arguments)
    print(f"{'upload':<72}{'answered':<40}{'MiB':>5}{'all':>6}{'ms':>6}")
    bad = False
    with tempfile.TemporaryDirectory() as folder, own_service(Path(folder)) as service:
        for number, case in enumerate(given.only or cases):
            kind = cases[case]
            hostile = UPLOADS[kind][case.removesuffix(f" ({kind})")]
            made = hostile._replace(content=partial(bytes, hostile.content()))
            with _watched(service) as seen:
                answer = send(service.client, kind, made, f"n{number}")
                said = outcome(service.client, kind, answer)
            shown = " ".join([said[0], *said[-1:]])[:39]
            print(
                f"{case:<72}{shown:<40}{seen.service:>5}{seen.all:>6}{seen.answer:>6}", flush=True
            )
            bad |= seen.all > _MOST_MIB or seen.answer > _MOST_MS
            if not as_expected(hostile, said):
                print(f"  not what is expected of it: {said}")
                bad = True
    return 1 if bad else 0


@contextmanager
def _watched(service: OwnService) -> Iterator[Seen]:
    """What is seen of the service during the block."""
    seen, ended = Seen(), threading.Event()
    pid = service.process.pid
    before = _sizes(pid)

    def look() -> None:
        while not ended.wait(_PAUSE_SECONDS):
            own, all_ = _sizes(pid)
            seen.service = max(seen.service, own - before[0])
            seen.all = max(seen.all, all_ - before[1])

    def ask() -> None:
        with httpx.Client(base_url=service.address, timeout=60) as client:
            while not ended.wait(_PAUSE_SECONDS):
                begin = time.perf_counter()
                client.get("/v1/models").raise_for_status()
                seen.answer = max(seen.answer, round(1000 * (time.perf_counter() - begin)))

    threads = [threading.Thread(target=act) for act in (look, ask)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _sizes(pid: int) -> tuple[int, int]:
    """MiB of a process, and of it with all that descend from it."""
    found = tree(pid)
    return found[pid].resident >> 20, sum(each.resident for each in found.values()) >> 20


if __name__ == "__main__":
    sys.exit(main())
