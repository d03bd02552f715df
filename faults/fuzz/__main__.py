"""`python -m faults.fuzz [--minutes M] [--seed N] [--only TARGET] [--folder F]`: fuzz all parsers.

The minutes are shared by the targets. Inputs that fail are written to the folder as
`<target>-<kind>-<sha1>`; the corpus that is found stays there too, to go on from. Prints a table of
what was executed; exit code 1 if anything failed.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from faults.fuzz.targets import TARGETS

_LEAST_SECONDS = 5
# Beyond its time: to start, and for an input that hangs.
_PATIENCE_SECONDS = 120
_SAID = re.compile(r"^ *=* ?(?:Uncaught Python exception|.*ERROR: libFuzzer).*$", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What became of a target: inputs executed, MiB at the most, and files of inputs that fail."""

    executed: int
    peak: int
    failed: Sequence[Path]
    log: str

    @property
    def sound(self) -> bool:
        """Whether it ran to its end, and nothing failed."""
        return self.executed > 0 and not self.failed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; gives the exit code."""
    parser = argparse.ArgumentParser(prog="faults.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="of all targets together")
    parser.add_argument("--seed", type=int, default=0, help="of libFuzzer; 0 is any")
    parser.add_argument("--only", action="append", choices=sorted(TARGETS), help="this target")
    parser.add_argument("--folder", type=Path, help="for the corpus and for what fails")
    given = parser.parse_args(arguments)
    folder = given.folder or Path(tempfile.mkdtemp(prefix="medtune-fuzz-"))
    names = given.only or list(TARGETS)
    seconds = max(_LEAST_SECONDS, round(60 * given.minutes / len(names)))
    print(f"fuzz: {len(names)} targets, {seconds} s each, in {folder}", flush=True)
    print(f"{'target':<22}{'executed':>10}{'MiB':>6}{'failed':>8}", flush=True)
    sound = True
    for name in names:
        outcome = fuzz(name, folder, seconds, given.seed)
        sound &= outcome.sound
        print(f"{name:<22}{outcome.executed:>10}{outcome.peak:>6}{len(outcome.failed):>8}")
        for path in outcome.failed:
            print(f"    {path}")
        if not outcome.sound:
            print(outcome.log, flush=True)
    return 0 if sound else 1


def fuzz(name: str, folder: Path, seconds: int, seed: int) -> Outcome:
    """Fuzz one target in a process of its own."""
    before = set(folder.glob(f"{name}-*"))
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "faults.fuzz.one"]
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        subprocess.run(
            [*command, name, str(folder), str(seconds), str(seed)],
            stdout=out,
            stderr=subprocess.STDOUT,
            timeout=seconds + _PATIENCE_SECONDS,
        )
    text = log.read_text(errors="replace")
    failed = sorted(set(folder.glob(f"{name}-*")) - before)
    said = _SAID.search(text)
    return Outcome(
        _number("number_of_executed_units", text),
        _number("peak_rss_mb", text),
        failed,
        text[said.start() :][:2000] if said else text[-2000:],
    )


def _number(name: str, log: str) -> int:
    found = re.search(rf"stat::{name}: +(\d+)", log)
    return int(found[1]) if found else 0


if __name__ == "__main__":
    sys.exit(main())
