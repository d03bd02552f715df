"""`python -m faults.soak [--clients N] [--minutes M] [--database D] [--seed S]`: many at once.

Prints requests, statuses and times, then what is wrong. Exit code 1 if anything is.
"""

import argparse
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from faults.run import FLEETS, usable
from faults.soak.run import Options, Outcome, soak

_FIRST = 50


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; gives the exit code."""
    parser = argparse.ArgumentParser(prog="faults.soak", description=__doc__)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--database", action="append", choices=FLEETS, help="both, one by one")
    parser.add_argument("--seed", default=secrets.token_hex(4), help="draws what clients do")
    given = parser.parse_args(arguments)
    wrong = False
    for database in given.database or FLEETS:
        if (why := usable(database)) is not None:
            print(f"not tried: {database}, {why}")
            continue
        options = Options(given.clients, given.minutes, database, given.seed)
        folder = Path(tempfile.mkdtemp(prefix="medtune-soak-"))
        # PostgreSQL's server, which is not run as root, has its own folder elsewhere.
        outcome = soak(options, folder)
        print(report(options, outcome), flush=True)
        if outcome.faults:
            wrong = True
            print(f"  logs: {folder}")
        else:
            shutil.rmtree(folder)
    return 1 if wrong else 0


def report(options: Options, outcome: Outcome) -> str:
    """For people."""
    answers = outcome.answers
    count = sum(answers.statuses.values())
    statuses = ", ".join(f"{status} {n}" for status, n in sorted(answers.statuses.items()))
    times = ", ".join(
        f"p{share:g} {answers.quantile(share / 100):.2f} s" for share in (50, 99, 100)
    )
    lines = [
        f"{options.database}, {options.clients} clients, seed {options.seed}:"
        f" {count} requests in {outcome.seconds:.0f} s made {outcome.made} things",
        f"  statuses: {statuses}",
        f"  answered: {times}",
        f"  cut off by a deletion: {answers.cut_off}",
        f"  wrong: {len(outcome.faults)}",
        *(f"    {fault}" for fault in outcome.faults[:_FIRST]),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    sys.exit(main())
