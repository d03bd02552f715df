"""Files of bytes in the data folder: written whole or not at all, named by their sha256.

Each blob belongs to one owner (the resource whose id names its folder), so that deleting the
owner deletes its bytes and nothing is shared. A key is `<owner id>/<sha256>`; both parts are made
here, never by a client, so a key cannot leave the folder.
"""

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

_KEY = re.compile(r"[a-z]+_[0-9a-f]{32}/[0-9a-f]{64}")


class BlobWriter:
    """Writes one blob; it exists under its final name only once the block ended without error."""

    def __init__(self, folder: Path, owner: str) -> None:
        self._folder = folder / owner
        self._owner = owner
        self._hash = hashlib.sha256()
        self.size = 0
        self.key = ""

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor, self._temporary = tempfile.mkstemp(dir=self._folder, prefix=".")
        self._file = os.fdopen(descriptor, "wb", buffering=1 << 20)
        return self

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Append bytes."""
        self._hash.update(data)
        self.size += len(data)
        return self._file.write(data)

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
                self._file.flush()
                os.fsync(self._file.fileno())
        finally:
            self._file.close()
            if kind is None:
                os.replace(self._temporary, self._folder / self.sha256)
                self.key = f"{self._owner}/{self.sha256}"
            else:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self._temporary)


class Blobs:
    """The blob store; cheap to make and safe to use from any thread or process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def writer(self, owner: str) -> BlobWriter:
        """A context manager that writes one blob for `owner`; read its `key` afterwards."""
        return BlobWriter(self.folder, owner)

    def path(self, key: str) -> Path:
        """Where the blob's bytes lie. Raises ValueError for what is not a key."""
        if not _KEY.fullmatch(key):
            raise ValueError("not a blob key")
        return self.folder / key

    def open(self, key: str) -> BinaryIO:
        """The blob, opened for reading. Raises FileNotFoundError."""
        return self.path(key).open("rb")

    def delete(self, key: str) -> None:
        """Remove one blob. Safe to repeat."""
        self.path(key).unlink(missing_ok=True)

    def sweep(self, known: Collection[str]) -> int:
        """Remove all that is not one of these keys: what a crash left; gives how many files.

        Only before anything is being written.
        """
        removed = 0
        for path in self.folder.glob("*/*"):
            if f"{path.parent.name}/{path.name}" not in known:
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
                removed += 1
        for owner in self.folder.glob("*"):
            with contextlib.suppress(OSError):
                owner.rmdir()
        return removed

    def delete_owner(self, owner: str) -> None:
        """Remove all blobs of one owner. Safe to repeat."""
        if "/" in owner or owner.startswith("."):
            raise ValueError("not an owner id")
        shutil.rmtree(self.folder / owner, ignore_errors=True)
