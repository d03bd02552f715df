"""Pages of lines: each line comes once and in order, and only a line's beginning is an offset."""

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.platform.lines import PAGE_BYTES, read_lines

contents = st.lists(st.sampled_from([b"\n", b"a", b"\r", b"\xff", b"bcd"]), max_size=30).map(
    b"".join
)


@contextmanager
def a_file(content: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lines"
        path.write_bytes(content)
        yield path


def lines_of(content: bytes) -> list[bytes]:
    """What lies between the line ends; nothing after the last one."""
    lines = content.split(b"\n")
    return lines[:-1] if lines[-1] == b"" else lines


@given(contents, st.integers(1, 8))
def test_pages_follow_one_another(content: bytes, limit: int) -> None:
    """All pages together are the file, each but the last is full, and the last says so."""
    with a_file(content) as path:
        pages, offset = [], 0
        for _ in range(len(content) + 1):
            page, following = read_lines(path, offset, limit)
            pages.append(page)
            if following is None:
                break
            assert following > offset
            offset = following
        assert following is None
        assert list(itertools.chain(*pages)) == lines_of(content)
        assert all(len(page) == limit for page in pages[:-1])
        assert len(pages[-1]) <= limit
        assert pages[-1] or not content


@given(contents, st.integers(0, 100))
def test_an_offset_within_a_line_or_beyond_the_end_is_refused(content: bytes, offset: int) -> None:
    """A page begins where a line does, or at the end of the file; anything else is a ValueError."""
    begins = offset == 0 or content[offset - 1 : offset] == b"\n"
    with a_file(content) as path:
        if begins:
            page, following = read_lines(path, offset, 1000)
            assert (page, following) == (lines_of(content[offset:]), None)
        else:
            with pytest.raises(ValueError, match="offset"):
                read_lines(path, offset, 1000)


def test_long_lines_make_short_pages() -> None:
    """A page goes beyond its size by no more than one line, and has one at the least."""
    half, whole = b"a" * (PAGE_BYTES * 2 // 3), b"b" * (2 * PAGE_BYTES)
    with a_file(b"\n".join([half, half, half, whole, b"c"])) as path:
        pages: list[list[int]] = []
        offset: int | None = 0
        while offset is not None:
            page, offset = read_lines(path, offset, 100)
            pages.append([len(line) for line in page])
    assert pages == [[len(half)] * 2, [len(half), len(whole)], [1]]
