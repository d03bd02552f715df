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


def stderr() -> Console:
    """The console for all that is no result; nobody listens where stderr is closed."""
    return Console(stderr=True, quiet=sys.stderr is None, soft_wrap=True, highlight=False)


def say(text: str) -> None:
    """Tell a line."""
    stderr().print(text, markup=False)


@contextmanager
def telling() -> Iterator[Teller]:
    """Tell a state and how far it has come, 0 to 1, as often as there is something new."""
    console = stderr()
    if not console.is_terminal:
        last = ""

        def line(text: str, _share: float) -> None:
            nonlocal last
            if text != last:
                console.print(text, markup=False)
            last = text

        yield line
        return
    columns = (TextColumn("{task.description:<24.24}"), BarColumn(), "{task.percentage:>5.1f} %")
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        bar = progress.add_task("", total=1)
        yield lambda text, share: progress.update(bar, completed=share, description=text)


def followed(client: httpx.Client, location: str, what: str = "") -> Json:
    """The job at this location once it has ended; `what` it is goes before its state.

    Raises CommandError and LeftError.
    """

    def state(job: Json) -> str:
        return " ".join(filter(None, (what, job["status"], job.get("stage"))))

    with telling() as tell:
        return settled(client, location, lambda job: tell(state(job), job["progress"]))
