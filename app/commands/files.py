"""Files that a command is to write: what is wrong with one is told in words, and early."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.commands.service import CommandError


def check_writable(path: Path) -> None:
    """Raises CommandError for a file that could not be written."""
    if not path.parent.is_dir():
        raise CommandError(f"There is no folder {path.parent}.")
    if path.is_dir():
        raise CommandError(f"{path} is a folder, not a file.")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise CommandError(f"{path} cannot be written.")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What is written to this file; raises CommandError for what no check could foresee."""
    try:
        yield
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
