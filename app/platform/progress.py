"""How far the work of a process of its own is: that process notes it, its parent reads the note.

The note is a file of one number, and neither side minds if it cannot be written or read. Whoever
works tells as often as it likes: it is noted once a second at most.
"""

import os
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field

Request = TypeVar("Request")
Result = TypeVar("Result")

Tell = Callable[[float], None]
"""Is told the share of the work that is done, 0 to 1."""

Share = Annotated[float, Field(ge=0, le=1, examples=[0.62])]
"""The `progress` of every kind of job as clients see it: 0 to 1, and it never falls."""

EVERY_SECONDS = 1.0
_SHARE = struct.Struct("<d")


def untold(_share: float) -> None:
    """Nobody wants to know."""


def share_done(status: str, share: float) -> float:
    """What clients see of a row: what was made before there was progress, or is by a process of an
    older release, is done as well."""
    return 1.0 if status == "ready" else share


class Note:
    """The share as the one process last wrote it and the other one reads it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def lay_out(self) -> None:
        """Begin at 0: what another process has noted is of its own work."""
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_bytes(_SHARE.pack(0.0))

    def write(self, share: float) -> None:
        """Note it, unless nobody has laid the note out or waits for it any more."""
        with suppress(OSError), self._path.open("r+b", buffering=0) as file:
            # Eight bytes at once: whoever reads sees the old number or the new one.
            os.pwrite(file.fileno(), _SHARE.pack(share), 0)

    def read(self) -> float:
        """The share, 0 if there is none."""
        try:
            return float(_SHARE.unpack(self._path.read_bytes())[0])
        except (OSError, struct.error):
            return 0.0

    def remove(self) -> None:
        """It is needed no more. Safe to repeat."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


def noting(work_of: Callable[[Request, Tell], Result], path: Path, request: Request) -> Result:
    """What `work_of` makes of the request, its progress noted at the path."""
    note, last = Note(path), 0.0

    def tell(share: float) -> None:
        nonlocal last
        if (moment := time.monotonic()) - last >= EVERY_SECONDS:
            last = moment
            note.write(share)

    return work_of(request, tell)


class Reading:
    """Tells how much has been read of files of these sizes (bytes), one after the other."""

    def __init__(self, sizes: Sequence[int], tell: Tell) -> None:
        self._sizes = iter(sizes)
        self._all = max(1, sum(sizes))
        self._before = 0
        self._tell = tell

    def at(self, position: int) -> None:
        """So many bytes of the present file have been read."""
        self._tell(min(1.0, (self._before + position) / self._all))

    def end(self) -> None:
        """The present file has been read; the next one is the present one."""
        self._before += next(self._sizes)
        self.at(0)
