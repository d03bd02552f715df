"""Whatever is uploaded: readers report, never raise, and what they yield can be used."""

import io
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.corpora.canonical import dumps, loads
from app.corpora.documents import Document, Passage
from app.corpora.formats import FORMATS, detect
from app.corpora.problems import CODES, Problem
from app.corpora.validation import Validator
from tests.corpora.samples import SAMPLE, read, written

FILES = {
    name: written(name, [("train", SAMPLE), ("dev", Document("7", (Passage("title", 0, "é"),)))])
    for name in FORMATS
}
# What breaks parsers: half a character, NUL, markup, huge and negative numbers, other brackets.
_PIECES = rb"""
    | " \ \ud800 &x; < > </document> <!-- ]]> { } [ ] , -1 1e999 null
""".split()
_BYTES = (b"\xff", b"\xc3", b"\x00", b"\r\n", b"\n\n", b"\t", b"\xef\xbb\xbf", b"9" * 400, b"")
_JUNK = st.sampled_from([*_PIECES, *_BYTES, "\u202e\u0301".encode()]) | st.binary(max_size=4)


def use(format_: str, data: bytes) -> list[Problem]:
    """All that is done with an upload; the problems found."""
    pairs, problems = read(format_, data)
    validator = Validator()
    for split, document in pairs:
        problems += validator.check(split, document)
        assert loads(dumps(document)) == document
        dumps(document).encode()
        for mention in document.mentions:
            assert document.text[mention.start : mention.end] == mention.text
    problems += validator.finish()
    for target in FORMATS:
        written(target, pairs)
    for problem in problems:
        assert problem.code in CODES
        assert problem.line is None or problem.line > 0
        assert len(problem.message) < 300
    return problems


@pytest.mark.parametrize("format_", FORMATS)
@settings(max_examples=100)
@given(data=st.binary(max_size=200))
def test_random_bytes(format_: str, data: bytes) -> None:
    assert use(format_, data)
    detect(data)


@pytest.mark.parametrize("format_", FORMATS)
@settings(max_examples=200)
@given(
    changes=st.lists(
        st.tuples(st.integers(0, 2000), st.integers(0, 60), _JUNK), min_size=1, max_size=5
    )
)
def test_damaged_files(format_: str, changes: list[tuple[int, int, bytes]]) -> None:
    """Anywhere, bytes are cut out and others put in."""
    data = FILES[format_]
    for place, cut, junk in changes:
        start = place % len(data)
        data = data[:start] + junk + data[start + cut :]
    use(format_, data)


@pytest.mark.parametrize("format_", FORMATS)
def test_a_file_of_another_format(format_: str) -> None:
    for name, data in FILES.items():
        problems = use(format_, data)
        assert any(p.severity == "error" for p in problems) == (name != format_)


@pytest.mark.parametrize("format_", FORMATS)
def test_windows_line_ends(format_: str) -> None:
    assert read(format_, FILES[format_].replace(b"\n", b"\r\n")) == read(format_, FILES[format_])


class Endless(io.RawIOBase):
    """A file far larger than memory: its head once, then the same documents for ever."""

    def __init__(self, head: bytes, body: bytes, last: int) -> None:
        self._rest = head
        self._body = body
        self._left = last
        self.given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        if not self._rest and self._left:
            self._left -= 1
            self._rest = self._body
        data, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(data)] = data
        self.given += len(data)
        return len(data)


def _parts(format_: str) -> tuple[bytes, bytes]:
    """The head of a file, and what may follow it over and over."""
    once = written(format_, [("train", SAMPLE)])
    twice = written(format_, [("train", SAMPLE)] * 2)
    tails = (n for n in range(1, len(once) + 1) if once[-n:] != twice[-n:])
    tail = next(tails, len(once) + 1) - 1
    head = once[: len(once) - tail]
    return head, twice[len(head) : len(twice) - tail]


@pytest.mark.parametrize("format_", FORMATS)
def test_reading_streams(format_: str) -> None:
    """A document is there as soon as it was read, and nothing is kept of those before it."""
    stream = Endless(*_parts(format_), last=3000)
    problems: list[Problem] = []
    found: Iterator[tuple[str | None, Document]]
    found = FORMATS[format_].read(io.BufferedReader(stream), problems.append)
    next(found)
    assert stream.given < 2**17
    for _ in range(200):
        next(found)
    tracemalloc.start()
    for _, document in found:
        assert document == SAMPLE
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert stream.given > 2_000_000 or format_ == "pubtator"
    assert peak < 1_500_000
    assert len(problems) == (format_ != "pubtator")


_MEASURE = """
import resource
import sys
from app.corpora.bioc_xml import read

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

with open(sys.argv[1], "rb") as stream:
    found = read(stream, print)
    next(found)
    before = peak()
    print(sum(1 for _ in found), peak() - before)
"""


def test_xml_is_forgotten_as_it_is_read(tmp_path: Path) -> None:
    """libxml2's memory is beyond tracemalloc, so a process of its own is measured, in MiB."""
    head, body = _parts("bioc_xml")
    path = tmp_path / "large.xml"
    path.write_bytes(head + body * 10_000 + b"></collection>")
    run = [sys.executable, "-c", _MEASURE, str(path)]
    done = subprocess.run(run, capture_output=True, text=True, check=True, timeout=60)
    documents, growth = map(int, done.stdout.split())
    assert documents == 9_999
    assert growth < 15


@pytest.mark.parametrize("format_", FORMATS)
def test_writing_streams(format_: str) -> None:
    """Each document is written before the next is asked for."""
    out = io.BytesIO()
    sizes: list[int] = []

    def documents() -> Iterator[tuple[str | None, Document]]:
        for _ in range(3):
            sizes.append(out.tell())
            yield None, SAMPLE

    write = FORMATS[format_].write
    assert write is not None
    write(documents(), out)
    assert sizes[1] - sizes[0] >= 200
    assert sizes[2] - sizes[1] >= 200
