"""`python -m faults [--seed S] [--points N] [--minutes M] [--only SCENARIO]`: count faults.

Prints every point as it begins and ends, then a table of tried, lost, doubled, stuck and kept. Exit
code 1 unless the last four are 0.
"""

import argparse
import logging
import secrets
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from faults import disk
from faults.points import KINDS, Point
from faults.run import FLEETS, NAMES, Options, Run, usable

_KINDS = "".join(f"{kind:>9}" for kind in KINDS)
HEAD = f"{'scenario':<36}{'tried':>7}{_KINDS}{'seconds':>9}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; gives the exit code."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--seed", default=secrets.token_hex(4), help="makes a run repeatable")
    parser.add_argument("--points", type=int, default=60, help="besides those of a full disk")
    parser.add_argument("--minutes", type=float, default=15.0, help="begin no more points then")
    parser.add_argument("--only", action="append", choices=NAMES, help="this scenario")
    parser.add_argument("--database", action="append", choices=FLEETS, help="on this one")
    parser.add_argument("--point", type=int, help="the point of this number, as it was drawn")
    given = parser.parse_args(arguments)
    options = Options(
        given.seed,
        given.points,
        given.minutes,
        given.only or (),
        given.database or tuple(FLEETS),
        given.point,
    )
    print(f"faults: seed {options.seed}", flush=True)
    for name in options.databases:
        if (why := usable(name)) is not None:
            print(f"not tried: {name}, {why}")
    if (why := disk.missing()) is not None:
        print(f"not tried: {disk.NAME}, {why}")
    points = Run(options, Path(tempfile.mkdtemp(prefix="medtune-faults-"))).run()
    print(table(points))
    wrong = [point for point in points if point.verdict.faults]
    for point in wrong:
        print(f"{point.number}: {point.fleet}, {point.scenario}: {point.strike}")
        print("".join(f"    {fault}\n" for fault in point.verdict.faults), end="")
    return 1 if wrong or not points else 0


def table(points: Sequence[Point]) -> str:
    """How many points of each scenario were tried, and how many of them had which faults."""
    kinds = dict.fromkeys(f"{point.scenario}, {point.fleet}" for point in points)
    rows = [
        _row(kind, [p for p in points if f"{p.scenario}, {p.fleet}" == kind])
        for kind in sorted(kinds)
    ]
    return "\n".join(["", HEAD, *rows, _row("all", points)])


def _row(name: str, points: Sequence[Point]) -> str:
    counts = (sum(bool(getattr(point.verdict, kind)) for point in points) for kind in KINDS)
    seconds = sum(point.seconds for point in points)
    return f"{name:<36}{len(points):>7}{''.join(f'{each:>9}' for each in counts)}{seconds:>9.0f}"


if __name__ == "__main__":
    # The stand-ins' web server complains of answers that are cut off, which is what they are for.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL + 1)
    # However it ends, its processes end, and what it has mounted is unmounted.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    sys.exit(main())
