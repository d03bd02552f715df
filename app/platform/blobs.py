"""Blobs: files of bytes written whole or not at all, named by their sha256.

Each blob belongs to one owner (the resource whose id names its folder), so that deleting the
owner deletes its bytes and nothing is shared. A key is `<owner id>/<sha256>`; both parts are made
here, never by a client, so a key cannot leave the store.

To be read, a blob has to be on this machine: `await blobs.local(key)` on the event loop,
`blobs.fetch(key)` in a thread or another process. Neither belongs into a transaction: a blob of
gigabytes may have to be fetched first.
"""

import asyncio
import hashlib
import os
import re
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from app.platform.errors import ApiError
from app.platform.objects import UNFINISHED, Folder, Objects, Stored, full, storage_errors

log = structlog.get_logger(__name__)

_OWNER = re.compile(r"[a-z]+_[0-9a-f]{32}")
_KEY = re.compile(rf"{_OWNER.pattern}/[0-9a-f]{{64}}")


@asynccontextmanager
async def deleted_meanwhile(look: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    """Reading blobs of a row that was there a moment ago.

    If one is gone `look` looks for the row again, and raises what a client is told of a deleted
    one: rows go before their blobs. A blob that is gone by itself is lost: FileNotFoundError.
    """
    try:
        yield
    except FileNotFoundError:
        await look()
        raise


class BlobWriter:
    """Writes one blob; it exists under its final name only once the block ended without error.

    `async with` ends the block in a thread, for that may take long; `with` ends it here. Raises
    ApiError `storage_full`, `storage_unavailable`.
    """

    def __init__(self, objects: Objects, owner: str) -> None:
        self._objects = objects
        self._owner = owner
        self._hash = hashlib.sha256()
        self.size = 0
        self.key = ""

    def __enter__(self) -> Self:
        folder = self._objects.place(self._owner)
        with storage_errors():
            try:
                descriptor, self._temporary = tempfile.mkstemp(dir=folder, prefix=UNFINISHED)
            except FileNotFoundError:
                folder.mkdir(parents=True, exist_ok=True)
                descriptor, self._temporary = tempfile.mkstemp(dir=folder, prefix=UNFINISHED)
        self._file = os.fdopen(descriptor, "wb", buffering=1 << 20)
        return self

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.__enter__)

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Append bytes."""
        self._hash.update(data)
        self.size += len(data)
        try:
            return self._file.write(data)
        except OSError as error:
            raise full(error) or error from None

    @property
    def sha256(self) -> str:
        """The hash, hexadecimal, of what was written so far."""
        return self._hash.hexdigest()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                key = f"{self._owner}/{self.sha256}"
                with storage_errors():
                    self._file.flush()
                    os.fsync(self._file.fileno())
                    self._file.close()
                    self._objects.keep(Path(self._temporary), key)
                self.key = key
        finally:
            with suppress(OSError):  # a full disk refuses again what is in the buffer still
                self._file.close()
            with suppress(FileNotFoundError):
                os.unlink(self._temporary)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.__exit__, kind, error, trace)


class Blobs:
    """The blob store; cheap to make and to pickle, safe to use from any thread or process.

    All methods but `local` and `place` may wait for a disk or a network.
    """

    def __init__(self, objects: Objects) -> None:
        self.objects = objects

    @classmethod
    def in_folder(cls, folder: Path) -> Self:
        """The blobs of one machine."""
        return cls(Folder(folder))

    def writer(self, owner: str) -> BlobWriter:
        """A context manager that writes one blob for `owner`; read its `key` afterwards."""
        return BlobWriter(self.objects, owner)

    async def local(self, key: str) -> Path:
        """The blob as a file of this machine, to be read now and not to be changed.

        Raises FileNotFoundError; ValueError for what is not a key; ApiError `storage_unavailable`,
        `storage_full`.
        """
        return await self.objects.local(_checked(key))

    def fetch(self, key: str) -> Path:
        """As `local`, for threads and other processes."""
        return self.objects.fetch(_checked(key))

    def place(self, key: str) -> Path:
        """Where `local` and `fetch` lay the blob, whether it is there or not."""
        return self.objects.place(_checked(key))

    def scratch(self, owner: str, name: str) -> Path:
        """A place for an unfinished file of an owner's job; whoever makes it removes it."""
        folder = self.objects.place(owner)
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{UNFINISHED}{name}"

    def delete(self, key: str) -> None:
        """Remove one blob. Safe to repeat."""
        self.objects.delete(_checked(key))

    def delete_owner(self, owner: str) -> None:
        """Remove all blobs of one owner. Safe to repeat."""
        if not _OWNER.fullmatch(owner):
            raise ValueError("not an owner id")
        self.objects.delete_folder(owner)

    async def discard(self, owner: str) -> None:
        """As `delete_owner`, while something else has gone wrong: `medtune gc` gets what is left.

        Raises nothing, so that whatever went wrong is told.
        """
        try:
            await asyncio.to_thread(self.delete_owner, owner)
        except ApiError as error:
            log.warning("blobs_not_discarded", owner=owner, code=error.code)

    def stored(self) -> Iterator[Stored]:
        """All files of the store, owner by owner, also those whose names are no keys."""
        return self.objects.stored()


def is_key(name: str) -> bool:
    """Whether a blob may have this name."""
    return _KEY.fullmatch(name) is not None


def _checked(key: str) -> str:
    if not is_key(key):
        raise ValueError("not a blob key")
    return key
