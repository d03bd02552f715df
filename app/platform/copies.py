"""Copies of stored files in a folder of this machine, there to be read.

A copy is written from a stream, checked against the sha256 that its name begins with, and then
renamed, so it is there whole or not at all; all who want one in this process wait for the same.
Copies used least recently make room for others, but none that was handed out a moment ago: it may
be about to be opened.
"""

import asyncio
import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock

import structlog

from app.platform.errors import ApiError
from app.platform.objects import Folder, Stored, sweep_folder, written

log = structlog.get_logger(__name__)

_ARRIVING_AT_ONCE = 4
# How full the folder is again after it was too full, and how much may come before it is measured.
_EMPTIED, _UNMEASURED = 0.9, 0.02

Content = Callable[[], Iterable[bytes]]
"""Opens a file of the store, to be read piece by piece."""


class Copies:
    """At most `most_bytes` of copies in a folder, and what was handed out in the last seconds."""

    def __init__(self, folder: Path, most_bytes: int, *, handed_out_seconds: float = 3600) -> None:
        self._folder = folder
        self._files = Folder(folder)
        self._most_bytes = most_bytes
        self._handed_out_seconds = handed_out_seconds
        self._unmeasured: float = most_bytes  # what may have come since the folder was measured
        self._lock = Lock()
        self._threads: ThreadPoolExecutor | None = None
        self._arriving: dict[str, Future[Path]] = {}
        self._deleted: set[str] = set()  # of those arriving

    def place(self, name: str) -> Path:
        """Where the copy is, or will be."""
        return self._files.place(name)

    def fetch(self, name: str, content: Content) -> Path:
        """The copy; waits for it to arrive.

        Raises what reading the content does; ApiError `storage_damaged`, `storage_full`.
        """
        return self._at_hand(name) or self._arrival(name, content).result()

    async def local(self, name: str, content: Content) -> Path:
        """As `fetch`; to look whether it is there is quicker than to ask a thread to look."""
        if (path := self._at_hand(name)) is not None:
            return path
        # Others may wait for it as well: who is cancelled leaves it to them.
        return await asyncio.shield(asyncio.wrap_future(self._arrival(name, content)))

    def _at_hand(self, name: str) -> Path | None:
        """The copy if it is here, marked as handed out now."""
        path = self.place(name)
        try:
            os.utime(path)
        except FileNotFoundError:
            return None
        return path

    def _arrival(self, name: str, content: Content) -> Future[Path]:
        """The one copying of this file that all who want it wait for."""
        with self._lock:
            if name not in self._arriving:
                if self._threads is None:
                    self._threads = ThreadPoolExecutor(_ARRIVING_AT_ONCE, "copies")
                self._arriving[name] = self._threads.submit(self._copy, name, content)
            return self._arriving[name]

    def keep(self, file: Path, name: str) -> None:
        """A finished file of this folder becomes the copy."""
        size = file.stat().st_size
        self._files.keep(file, name)
        self._make_room(size)

    def delete(self, name: str) -> None:
        """Remove a copy, also one that is arriving. Safe to repeat."""
        with self._lock:
            self._deleted |= self._arriving.keys() & {name}
        self._files.delete(name)

    def delete_folder(self, name: str) -> None:
        """Remove all copies of a folder, as `delete` does. Safe to repeat."""
        with self._lock:
            self._deleted.update(each for each in self._arriving if each.startswith(f"{name}/"))
        self._files.delete_folder(name)

    def stored(self) -> Iterator[Stored]:
        """All copies."""
        return self._files.stored()

    def sweep(self, older_than: float, dry_run: bool = False) -> tuple[int, int]:
        """Remove unfinished ones; as `Objects.sweep`."""
        return sweep_folder(self._folder, older_than, dry_run)

    def _copy(self, name: str, content: Content) -> Path:
        path, sha256 = self.place(name), hashlib.sha256()

        def hashed(pieces: Iterable[bytes]) -> Iterator[bytes]:
            for piece in pieces:
                sha256.update(piece)
                yield piece

        try:
            with written(path.parent, hashed(content())) as file:
                if not path.name.startswith(sha256.hexdigest()):
                    raise damaged(name)
                size = file.stat().st_size
                os.replace(file, path)
            self._make_room(size)
            return path
        finally:
            with self._lock:
                del self._arriving[name]
                if name in self._deleted:
                    self._deleted.remove(name)
                    self._files.delete(name)

    def _make_room(self, arrived: int) -> None:
        """Once in a while, remove the copies that were handed out longest ago if there are too many
        bytes of them."""
        with self._lock:
            self._unmeasured += arrived
            if self._unmeasured < self._most_bytes * _UNMEASURED:
                return
            self._unmeasured = 0
        copies = sorted(self._files.stored(), key=lambda each: each.modified)
        excess = sum(each.bytes for each in copies) - self._most_bytes
        if excess <= 0:
            return
        excess += int(self._most_bytes * (1 - _EMPTIED))
        before = time.time() - self._handed_out_seconds
        for each in copies:
            if excess <= 0 or each.modified > before:
                return
            self._files.delete(each.name)
            excess -= each.bytes


def damaged(name: str) -> ApiError:
    """What is told of a file that is not the one that was stored."""
    log.error("file_damaged", name=name)
    return ApiError("storage_damaged", "A stored file is not the one that was stored.")
