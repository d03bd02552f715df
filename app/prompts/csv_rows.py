"""Prompt/completion rows in CSV (RFC 4180), as Cohere's generative fine-tuning took them.

    prompt,completion
    "...","- a
    - b"

The header names the columns `prompt` and `completion`, in any order and case, and tells the
delimiter: comma, semicolon or tab. Columns `id` and `split` are read as in `rows`, all others are
passed over. Fields are taken to the letter.
"""

import csv
from collections.abc import Iterator
from typing import BinaryIO

from app.corpora.documents import Document
from app.corpora.formats import CSV_DELIMITERS, Format
from app.corpora.problems import Report, problem
from app.corpora.streams import BYTE_ORDER_MARK, MAX_DOCUMENT_BYTES
from app.prompts.rows import documents, row_problem

# The limit is one of the process; the default, 131,072, is less than texts may have elsewhere.
csv.field_size_limit(MAX_DOCUMENT_BYTES)

# After so many broken rows in one file, the rest is not looked at.
_MAX_BROKEN = 100
_COLUMNS = frozenset({"prompt", "completion", "id", "split"})
_REQUIRED = frozenset({"prompt", "completion"})


def read(stream: BinaryIO, report: Report) -> Iterator[tuple[str | None, Document]]:
    """The documents with their splits; problems go to `report`."""
    yield from documents(records(stream, report), report)


def records(stream: BinaryIO, report: Report) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row, by column, with the line it begins on; what cannot be read is reported."""
    lines = _Lines(stream, report)
    header = next((line for line in lines if line.strip()), "")
    columns, delimiter = _header(header)
    if not delimiter:
        if header:
            detail = "no header with the columns prompt and completion"
            report(row_problem("malformed_csv", detail, line=lines.number))
        return
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    broken = 0
    while broken < _MAX_BROKEN:
        begin = lines.number + 1
        try:
            fields = next(rows, None)
        except csv.Error:
            broken += 1
            detail = "a quote is not closed, stands alone, or a field is too large"
            report(row_problem("malformed_csv", detail, line=begin))
            continue
        if fields is None:
            return
        if len(fields) == len(columns):
            named = zip(columns, fields, strict=True)
            yield begin, {name: field for name, field in named if name in _COLUMNS}
        elif fields:  # a blank line has none
            broken += 1
            detail = f"{len(fields)} fields where the header has {len(columns)}"
            report(row_problem("malformed_csv", detail, line=begin))


def _header(line: str) -> tuple[list[str], str]:
    """The columns' names, in lower case, and the delimiter; no delimiter if it is no header."""
    for delimiter in CSV_DELIMITERS:
        try:
            fields = next(csv.reader([line], delimiter=delimiter, strict=True), [])
        except csv.Error:
            continue
        columns = [field.strip().lower() for field in fields]
        known = [name for name in columns if name in _COLUMNS]
        if _REQUIRED.issubset(known) and len(set(known)) == len(known):
            return columns, delimiter
    return [], ""


class _Lines:
    """The lines of a stream as text, each with its end; `number` is that of the last one given."""

    def __init__(self, stream: BinaryIO, report: Report) -> None:
        self.number = 0
        self._stream = stream
        self._report = report
        self._errors = "strict"
        self._ended = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = b"" if self._ended else self._stream.readline(MAX_DOCUMENT_BYTES + 1)
        self._ended = not line
        if self._ended:
            raise StopIteration
        self.number += 1
        if self.number == 1 and line.startswith(BYTE_ORDER_MARK):
            self._report(problem("byte_order_mark", line=1))
            line = line.removeprefix(BYTE_ORDER_MARK) or b"\n"
        if len(line) > MAX_DOCUMENT_BYTES:
            # What follows is the rest of this line, which nothing can be told of.
            self._report(problem("too_large", line=self.number))
            self._ended = True
            raise StopIteration
        try:
            return line.decode(errors=self._errors)
        except UnicodeDecodeError:
            # Once is enough: a file in another encoding would have it on every line.
            self._report(problem("bad_utf8", line=self.number))
            self._errors = "replace"
            return line.decode(errors=self._errors)


FORMAT = Format("csv", "Prompt rows in CSV", "text/csv", ".csv", read, None)
