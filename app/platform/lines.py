"""Pages of a blob of lines: the cursor is the byte offset of the next line.

A page costs one seek and reads no more than it returns, wherever it lies in the file.
"""

from collections.abc import Iterator
from pathlib import Path

from app.platform.errors import ApiError

PAGE_BYTES = 4 << 20


def read_lines(path: Path, offset: int, limit: int) -> tuple[list[bytes], int | None]:
    """Up to `limit` lines from byte `offset` on, and the offset after them (None at the end).

    Fewer if they are long: no more than the one line goes beyond PAGE_BYTES. Raises ValueError if
    `offset` is not where a line begins.
    """
    if offset > path.stat().st_size:
        raise ValueError("the offset is beyond the end")
    with path.open("rb") as file:
        if offset:
            file.seek(offset - 1)
            if file.read(1) != b"\n":
                raise ValueError("the offset is not the beginning of a line")
        lines: list[bytes] = []
        begin = file.tell()
        while len(lines) < limit and file.tell() - begin < PAGE_BYTES:
            line = file.readline()
            if not line:
                return lines, None
            lines.append(line.rstrip(b"\n"))
        end = file.tell()
        return lines, end if file.read(1) else None


def read_page(path: Path, offset: int, limit: int) -> tuple[list[bytes], int | None]:
    """As `read_lines`, for a client's cursor. Raises ApiError `invalid_cursor`."""
    try:
        return read_lines(path, offset, limit)
    except ValueError:
        raise ApiError("invalid_cursor", "The cursor is not one of this list.") from None


def iterate(paths: list[Path]) -> Iterator[bytes]:
    """All lines of several files, in order, without their line ends."""
    for path in paths:
        with path.open("rb") as file:
            for line in file:
                yield line.rstrip(b"\n")
