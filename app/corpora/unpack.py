"""The files inside an upload: the upload itself, or the content of a .gz or .zip, as streams.

Everything is streamed and nothing is ever written, so no member's name can do harm. Caps on size,
ratio and number of members are kept while reading, whatever the archive claims about itself.
"""

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

Read = Callable[[int], bytes]
Told = Callable[[int], None]

_GZIP = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OTHERS = (
    *(b"BZh%d1AY&SY" % level for level in range(1, 10)),
    b"\xfd7zXZ\x00",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"\x28\xb5\x2f\xfd",
)
_ENCRYPTED = 0x1
_BUFFER = 2**16
# zipfile reads the whole list of files at once; one of this size holds some 20,000.
_LONGEST_LIST = 2**20
_BROKEN = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an archive may unpack to: bytes in all, times its own size, and files.

    The ratio is judged only beyond `ratio_from` bytes: small files may well be packed tightly.
    """

    total_bytes: int = 2 * 2**30
    ratio: float = 100.0
    ratio_from: int = 16 * 2**20
    members: int = 1000


class UnpackError(Exception):
    """An upload cannot be unpacked; `code` is one of `problems.CODES` (`archive_...`)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def members(
    path: Path, filename: str, limits: Limits | None = None, told: Told = lambda _position: None
) -> Iterator[tuple[str, BinaryIO]]:
    """The name and the content of each file, one after another; archives are known by content.

    A stream is good until the next one is asked for. How many bytes of the upload are read is
    `told` again and again (of a .zip by what it claims to hold). Raises UnpackError, from here or
    from a stream's `read`. Folders, hidden files and `__MACOSX` are left out.
    """
    with path.open("rb", buffering=_BUFFER) as file:
        head = file.read(10)
        file.seek(0)
        budget = _Budget(limits or Limits(), path.stat().st_size)

        def where(_unpacked: int) -> None:
            told(file.tell())

        if head.startswith(_GZIP):
            name = filename[:-3] if filename.lower().endswith(".gz") else filename
            yield name, _opened(gzip.GzipFile(fileobj=file).read, budget, where)
        elif head.startswith(_ZIP):
            yield from _zip_members(file, budget, told)
        elif head.startswith(_OTHERS):
            raise UnpackError("archive_unsupported")
        else:
            yield filename, io.BufferedReader(_Told(file.read, where), _BUFFER)


def _zip_members(file: BinaryIO, budget: "_Budget", told: Told) -> Iterator[tuple[str, BinaryIO]]:
    try:
        archive = zipfile.ZipFile(_ShortReads(file))
    except _BROKEN:
        raise UnpackError("archive_broken") from None
    infos = [info for info in archive.infolist() if _wanted(info)]
    if len(infos) > budget.limits.members:
        raise UnpackError("archive_too_many_files")
    claimed = max(1, sum(info.file_size for info in infos))

    def share(unpacked: int) -> None:
        told(budget.packed * min(unpacked, claimed) // claimed)

    for info in infos:
        if info.flag_bits & _ENCRYPTED:
            raise UnpackError("archive_encrypted")
        # The other methods unpack without any bound on the memory of one step.
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UnpackError("archive_unsupported")
        try:
            content = archive.open(info)
        except _BROKEN:
            raise UnpackError("archive_broken") from None
        yield info.filename, _opened(content.read, budget, share)


def _wanted(info: zipfile.ZipInfo) -> bool:
    parts = PurePosixPath(info.filename).parts
    return bool(parts) and not (
        info.is_dir() or parts[0] == "__MACOSX" or parts[-1].startswith(".")
    )


def _opened(read: Read, budget: "_Budget", told: Told) -> BinaryIO:
    stream = io.BufferedReader(_Capped(read, budget, told), _BUFFER)
    if stream.peek(10).startswith((_GZIP, *_ZIP, *_OTHERS)):
        raise UnpackError("archive_nested")
    return stream


class _Budget:
    """What may still be unpacked, over all files of one archive."""

    def __init__(self, limits: Limits, packed: int) -> None:
        self.limits = limits
        self.packed = packed
        self._used = 0

    def spend(self, size: int) -> int:
        """Gives what has been unpacked of all files, in bytes."""
        self._used += size
        if self._used > self.limits.total_bytes:
            raise UnpackError("archive_too_large")
        if self._used > max(self.limits.ratio_from, self.limits.ratio * self.packed):
            raise UnpackError("archive_ratio")
        return self._used


class _Capped(io.RawIOBase):
    """The unpacked content, within the budget; whatever breaks is an UnpackError."""

    def __init__(self, read: Read, budget: _Budget, told: Told) -> None:
        self._read = read
        self._budget = budget
        self._told = told

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        try:
            data = self._read(len(buffer))
        except _BROKEN:
            raise UnpackError("archive_broken") from None
        self._told(self._budget.spend(len(data)))
        buffer[: len(data)] = data
        return len(data)


class _Told(io.RawIOBase):
    """The content of a file as it is, and how much of it has been read."""

    def __init__(self, read: Read, told: Told) -> None:
        self._read = read
        self._told = told

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        data = self._read(len(buffer))
        self._told(len(data))
        buffer[: len(data)] = data
        return len(data)


class _ShortReads(io.RawIOBase):
    """A file that refuses long reads, so that no archive can list files without end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(_LONGEST_LIST + 1 if size < 0 else min(size, _LONGEST_LIST + 1))
        if len(data) > _LONGEST_LIST:
            raise UnpackError("archive_too_many_files")
        return data
