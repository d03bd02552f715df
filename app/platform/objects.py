"""Where files lie under a name for all processes to read: the protocol, and a folder as the store.

A name is a relative path of plain words, made by this service and never by a client. A file is
there whole or not at all.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from app.platform.errors import ApiError

# What is being written; no file that is finished has such a name.
UNFINISHED = "."
NOBODYS = "nobodys"  # a name that no file will ever have
_PIECE_BYTES = 1 << 20
_FULL = frozenset([errno.ENOSPC, errno.EDQUOT])


@dataclass(frozen=True, slots=True)
class Stored:
    """A file of a store: its name, its size in bytes, and when it was written (Unix time)."""

    name: str
    bytes: int
    modified: float


class Objects(Protocol):
    """A store of files; cheap to make and pickle, safe to use from any thread or process.

    Every method but `local`, `ping` and `place` may wait for a disk or a network. All raise
    ApiError `storage_unavailable` or `storage_full` when the store does not do its part, and
    `storage_damaged` when a file is not the one that was stored.
    """

    def place(self, name: str) -> Path:
        """Where on this machine the file is, or will be once it has been fetched."""

    def fetch(self, name: str) -> Path:
        """The file on this machine, to be read now. Raises FileNotFoundError."""

    async def local(self, name: str) -> Path:
        """As `fetch`, for the event loop."""

    async def ping(self) -> None:
        """Raise if the store does not answer; waits for nothing else that is asked of it."""

    def keep(self, file: Path, name: str) -> None:
        """Store a finished file of the folder of `place(name)`; it is there no more."""

    def delete(self, name: str) -> None:
        """Remove one file. Safe to repeat."""

    def delete_folder(self, name: str) -> None:
        """Remove all files whose names begin with this one and a slash. Safe to repeat."""

    def stored(self) -> Iterator[Stored]:
        """All files, those of one folder together; unfinished ones are not among them."""

    def copies(self) -> Iterator[Stored]:
        """All copies of files that this machine keeps; none if the store itself is here."""

    def drop_copy(self, name: str) -> None:
        """Remove a copy. Safe to repeat."""

    def sweep(self, older_than: float, dry_run: bool = False) -> tuple[int, int]:
        """Remove unfinished files last written before this time (Unix time), or in a `dry_run` only
        count them; gives how many, and bytes."""


class Store(Objects, Protocol):
    """A store that another one may lie upon, which keeps copies of its own."""

    def read(self, name: str) -> Generator[bytes, None, None]:
        """The file as it is stored, piece by piece; to be closed. FileNotFoundError at once."""

    def put(self, file: Path, name: str) -> None:
        """As `keep`, without a copy on this machine."""


class Folder:
    """The store of one machine: a file lies where it is read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def place(self, name: str) -> Path:
        """Where the file is, if it is there."""
        return self._path / name

    def fetch(self, name: str) -> Path:
        """Where the file is. Raises FileNotFoundError."""
        path = self._path / name
        path.stat()
        return path

    async def local(self, name: str) -> Path:
        """As `fetch`: to look is quicker than to ask a thread to look."""
        return self.fetch(name)

    async def ping(self) -> None:
        """Raise if the folder cannot be read; before the first file there is none."""
        with suppress(FileNotFoundError):
            os.stat(self._path / NOBODYS)

    def keep(self, file: Path, name: str) -> None:
        """Give a finished file its name."""
        os.replace(file, self._path / name)

    def read(self, name: str) -> Generator[bytes, None, None]:
        """The file, piece by piece."""
        pieces = _pieces((self._path / name).open("rb"))
        next(pieces)  # from here on it closes the file
        return pieces

    def put(self, file: Path, name: str) -> None:
        """As `keep`, wherever on this disk the file is."""
        (self._path / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(file, self._path / name)

    def delete(self, name: str) -> None:
        """Remove one file."""
        (self._path / name).unlink(missing_ok=True)

    def delete_folder(self, name: str) -> None:
        """Remove a folder."""
        shutil.rmtree(self._path / name, ignore_errors=True)

    def stored(self) -> Iterator[Stored]:
        """All files; what is removed meanwhile is passed over."""
        for folder, folders, names in os.walk(self._path):
            folders[:] = [name for name in folders if not name.startswith(UNFINISHED)]
            for name in names:
                if not name.startswith(UNFINISHED):
                    path = Path(folder) / name
                    with suppress(FileNotFoundError):
                        status = path.stat()
                        key = path.relative_to(self._path).as_posix()
                        yield Stored(key, status.st_size, status.st_mtime)

    def copies(self) -> Iterator[Stored]:
        """None."""
        return iter(())

    def drop_copy(self, name: str) -> None:
        """There is none."""

    def sweep(self, older_than: float, dry_run: bool = False) -> tuple[int, int]:
        """Remove unfinished files and empty folders."""
        return sweep_folder(self._path, older_than, dry_run)


def _pieces(file: BinaryIO) -> Generator[bytes, None, None]:
    with file:
        yield b""
        while piece := file.read(_PIECE_BYTES):
            yield piece


def sweep_folder(folder: Path, older_than: float, dry_run: bool = False) -> tuple[int, int]:
    """Remove what is unfinished below a folder and was last written before this time, and folders
    that are empty; gives how many files, and their bytes."""
    removed = size = 0
    for below, _, names in os.walk(folder, topdown=False):
        path = Path(below)
        unfinished = any(part.startswith(UNFINISHED) for part in path.relative_to(folder).parts)
        try:
            written = path.stat().st_mtime  # before it is emptied here
        except FileNotFoundError:
            continue  # another process was faster
        for file in (path / name for name in names):
            with suppress(FileNotFoundError):
                status = file.stat()
                hidden = unfinished or file.name.startswith(UNFINISHED)
                if hidden and status.st_mtime < older_than:
                    if not dry_run:
                        file.unlink()
                    removed, size = removed + 1, size + status.st_size
        if path != folder and not dry_run:
            with suppress(OSError):  # it is not empty, or gone
                if written < older_than:
                    path.rmdir()
    return removed, size


@contextmanager
def storage_errors() -> Iterator[None]:
    """Tell a full disk apart from all other errors: it raises ApiError `storage_full`."""
    try:
        yield
    except OSError as error:
        if (told := full(error)) is not None:
            raise told from None
        raise


@contextmanager
def written(folder: Path, pieces: Iterable[bytes]) -> Iterator[Path]:
    """A file of these pieces, safe on the disk under an unfinished name of the folder.

    At the end of the block it is gone, unless it has been given another name. Raises as
    `storage_errors`, and what the pieces raise.
    """
    temporary = ""
    try:
        with storage_errors():
            folder.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=UNFINISHED)
            with os.fdopen(descriptor, "wb") as out:
                for piece in pieces:
                    out.write(piece)
                out.flush()
                os.fsync(descriptor)
            yield Path(temporary)
    finally:
        if temporary:
            with suppress(FileNotFoundError):
                os.unlink(temporary)


def full(error: OSError) -> ApiError | None:
    """What clients are told of an error, if it says that the disk is full."""
    if error.errno not in _FULL:
        return None
    return ApiError("storage_full", "The disk has no room left; nothing was stored.")
