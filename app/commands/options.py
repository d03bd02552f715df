"""What the commands that ask a service have in common: their options, and how they end.

Light to import, as the command line is: worker processes import that.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

Server = Annotated[
    str | None,
    typer.Option(
        envvar="MEDTUNE_SERVER",
        help="Address of a running service; without one, a service of its own on MEDTUNE_DATA_DIR.",
    ),
]
ApiKey = Annotated[
    str | None,
    typer.Option(
        envvar="MEDTUNE_API_KEY",
        help="Key the server wants, sent as a bearer token; better in the environment, for "
        "arguments show in lists of processes.",
    ),
]
Tasks = Annotated[
    str | None, typer.Option(help="Like diseases,chemicals; all that are possible if not given.")
]
Vocabulary = Annotated[
    list[str] | None, typer.Option(help="Vocabulary to look identifiers up in; repeat for more.")
]


_AGE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def age(given: str, option: str) -> timedelta:
    """How long 90m, 24h or 7d are. Raises BadParameter, of this option, for what is no age."""
    found = _AGE.fullmatch(given)
    if found is None:
        raise typer.BadParameter("give it like 90m, 24h or 7d", param_hint=option)
    return timedelta(**{_UNITS[found[2]]: float(found[1])})


def listed(given: str | None) -> list[str]:
    """What is between the commas."""
    return [each.strip() for each in given.split(",")] if given else []


@contextmanager
def command() -> "Iterator[Console]":
    """A console to show things on; what goes wrong as expected is told in words on stderr.

    The exit code then is 1, and 130 if the user left a job that goes on.
    """
    from app.charts import ChartError
    from app.commands.service import CommandError

    try:
        yield _console()
    except (CommandError, ChartError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(getattr(error, "exit_code", 1)) from None


def _console() -> "Console":
    import io
    import sys

    from rich.console import Console

    if sys.stdout is None:  # it was closed: nobody listens
        return Console(quiet=True)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a name may have what the encoding has not
    # Tables that go to a file are not folded to the width of some terminal.
    return Console() if sys.stdout.isatty() else Console(width=160)
