"""Folders that belong to one process: the data folder on SQLite, else a scratch folder for each.

On SQLite a second process would take the first one's jobs for its own. On PostgreSQL any number
share a data folder; what only one of them may touch lies in its scratch folder.
"""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

_LOCK = "lock"


class FolderInUseError(RuntimeError):
    """Another process serves from this folder."""


@contextmanager
def folder_lock(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the folder for this process; the system lets go of it however the process ends.

    Raises FolderInUseError at once if another process holds it, unless it is to `wait`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError:
            raise FolderInUseError(f"another process serves from {folder}") from None
        yield


@contextmanager
def scratch_folder(folder: Path) -> Iterator[None]:
    """Hold a new folder beside those of other processes, and remove it in the end.

    Those beside it whose processes are dead are removed first.
    """
    with ExitStack() as held:
        with folder_lock(folder.parent, wait=True):
            _remove_dead(folder.parent)
            held.enter_context(folder_lock(folder))
        try:
            yield
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def remove_dead_scratch(parent: Path) -> list[Path]:
    """Remove the scratch folders that no process holds; gives which."""
    if not parent.is_dir():
        return []
    with folder_lock(parent, wait=True):
        return _remove_dead(parent)


def _remove_dead(parent: Path) -> list[Path]:
    removed = []
    for folder in sorted(each for each in parent.iterdir() if each.is_dir()):
        with suppress(FolderInUseError), folder_lock(folder):
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(folder)
    return removed
