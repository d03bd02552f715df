"""What crashes leave in the stores of a fleet: `medtune gc` removes it all, and nothing else."""

import re
import time

from faults.fleet import Fleet, run_command
from faults.points import Point, Verdict

NAME = "medtune gc"
_ROW = re.compile(r"(\w[\w ]*?) +\W +(\d+) +\W")
# What clients read of each room's things; all of it is of jobs that have ended.
_CONTENTS = {
    "datasets": "documents",
    "training-files": "content",
    "extraction-batches": "results",
    "evaluations": "comparison",
}


def sweep(fleet: Fleet, number: int) -> Point:
    """Run it on a fleet whose jobs have ended."""
    begun = time.monotonic()
    verdict = Verdict()
    removed = found(fleet)
    if left := {name: count for name, count in found(fleet, "--dry-run").items() if count}:
        verdict.lost.append(f"left over by medtune gc: {left}")
    for room, part in _CONTENTS.items():
        for each in fleet.get(f"/v1/{room}?limit=1000").json()["items"]:
            if each["status"] not in ("ready", "succeeded"):
                continue
            answer = fleet.get(f"/v1/{room}/{each['id']}/{part}")
            if not answer.is_success:
                verdict.lost.append(f"{each['id']}/{part}: {answer.status_code}")
    doing = ", ".join(f"{count} {name}" for name, count in removed.items() if count) or "nothing"
    seconds = time.monotonic() - begun
    return Point(number, fleet.name, NAME, f"removes {doing}", seconds, verdict)


def found(fleet: Fleet, *options: str) -> dict[str, int]:
    """How many files of each kind it has removed, or would remove."""
    command = ["gc", "--older-than", "0m", *options]
    told = run_command(command, fleet.settings, fleet.data.parent)
    rows = _ROW.findall(told)
    if not rows:
        raise RuntimeError(f"not the table of medtune gc:\n{told}")
    return {name: int(count) for name, count in rows}
