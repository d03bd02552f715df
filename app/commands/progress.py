"""What a command tells while it waits: a bar on a terminal, else a line for each new state.

On stderr: on stdout there are results alone.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from app.commands.service import Json, settled

Teller = Callable[[str, float], None]
Describe = Callable[[Json], tuple[str, float]]


def stderr() -> Console:
    """The console for all that is no result; nobody listens where stderr is closed."""
    return Console(stderr=True, quiet=sys.stderr is None, soft_wrap=True, highlight=False)


def say(text: str) -> None:
    """Tell a line."""
    stderr().print(text, markup=False)


@contextmanager
def telling() -> Iterator[Teller]:
    """Tell a state and how far it has come, in percent, as often as there is something new."""
    console = stderr()
    if not console.is_terminal:
        last = ""

        def line(text: str, _percent: float) -> None:
            nonlocal last
            if text != last:
                console.print(text, markup=False)
            last = text

        yield line
        return
    columns = (TextColumn("{task.description:<24.24}"), BarColumn(), "{task.percentage:>5.1f} %")
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        bar = progress.add_task("", total=100)
        yield lambda text, percent: progress.update(bar, completed=percent, description=text)


def followed(client: httpx.Client, location: str, describe: Describe) -> Json:
    """The job at this location once it has ended. Raises CommandError and LeftError."""
    with telling() as tell:
        return settled(client, location, lambda job: tell(*describe(job)))


def staged(job: Json) -> tuple[str, float]:
    """State and progress of fine-tunes and evaluations."""
    return " ".join(filter(None, (job["status"], job["stage"]))), job["progress"]


def shared(job: Json, what: str = "") -> tuple[str, float]:
    """State and progress of datasets and training files, whose progress is a share."""
    return f"{what} {job['status']}".strip(), 100 * job["progress"]
