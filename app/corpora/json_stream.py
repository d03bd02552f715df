"""JSON documents one at a time: a list of them, one a line, or a list inside one big object.

Built on the standard library's decoder, fed one value at a time: ijson replaces half surrogates
by `?` without a word, and its C backend was seen to crash on a number of 5,000 digits and to hang
on deep nesting. Memory is bounded by one document; a value nested too deeply is refused.
"""

import codecs
import re
from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder
from typing import Any, BinaryIO, NamedTuple

from app.corpora.problems import Report, problem
from app.corpora.streams import DocumentStream, DocumentTooLargeError

_CHUNK, _MAX_CHUNK = 2**16, 2**20
# After so many broken objects in one file, the rest is not looked at: each costs a search.
_MAX_BROKEN = 100
# What may stand where decoding failed if only the end is missing: half a literal, number, escape.
_CUT = re.compile(
    r"\s*(-?I[infty]*|-|N[aN]*|t[rue]*|f[alse]*|n[ul]*|\.|[eE][+-]?|u[\da-fA-F]{,4})?"
)
_SPACE = re.compile(r"[ \t\n\r]*")


class Record(NamedTuple):
    """A decoded value, the line it begins on, and what came before it in the object around it."""

    line: int
    value: Any
    around: dict[str, Any]


class _BrokenError(Exception):
    def __init__(self, code: str, line: int, detail: str = "") -> None:
        super().__init__(code)
        self.problem = problem(code, detail, line=line)


def records(stream: BinaryIO, report: Report, lists: tuple[str, ...] = ()) -> Iterator[Record]:
    """Every document: items of a list, objects one after another, or items of the `lists` keys.

    Broken JSON is reported; in a file of objects, reading goes on at the next line that opens one.
    """
    reader = _Reader(stream, report, lists)
    try:
        yield from reader.records()
    except _BrokenError as error:
        report(error.problem)


class _Reader:
    def __init__(self, stream: BinaryIO, report: Report, lists: tuple[str, ...]) -> None:
        self._stream = DocumentStream(stream, report)
        self._report = report
        self._lists = lists
        self._bytes = codecs.getincrementaldecoder("utf-8")("strict")
        self._values = JSONDecoder(parse_int=_number)
        self._text = ""
        self._at = 0
        # The line of the place in _text up to which lines were counted.
        self._line, self._counted = 1, 0
        self._ended = False

    @property
    def line(self) -> int:
        self._line = self._line_at(self._at)
        self._counted = self._at
        return self._line

    def records(self) -> Iterator[Record]:
        opening = self._peek()
        if opening == "[":
            yield from self._items({})
            if self._peek():
                raise _BrokenError("malformed_json", self.line, "more after the list")
        broken = 0
        while opening == "{":
            try:
                yield from self._object()
            except _BrokenError as error:
                broken += 1
                if broken == _MAX_BROKEN:
                    raise
                self._report(error.problem)
                self._skip_to_next_object()
            self._stream.restart()
            opening = self._peek()
        if opening not in ("", "["):
            raise _BrokenError("malformed_json", self.line, "neither a list nor an object")

    def _items(self, around: dict[str, Any]) -> Iterator[Record]:
        self._take("[")
        if self._peek() == "]":
            self._take("]")
            return
        while True:
            self._peek()
            yield Record(self.line, self._value(), around)
            self._stream.restart()
            if self._take(",]") == "]":
                return

    def _object(self) -> Iterator[Record]:
        line = self.line
        if not self._lists:
            yield Record(line, self._value(), {})
            return
        self._take("{")
        fields: dict[str, Any] = {}
        streamed, mark = False, "}" if self._peek() == "}" else ","
        while mark == ",":
            name = self._key()
            if name in self._lists and self._peek() == "[":
                yield from self._items(fields)
                streamed = True
            else:
                fields[name] = self._value()
            mark = self._take(",}")
        if not fields and not streamed:
            self._take("}")  # of an empty object
        if not streamed:
            yield Record(line, fields, {})

    def _key(self) -> str:
        if (mark := self._peek()) != '"':
            code = "malformed_json" if mark else "truncated_json"
            raise _BrokenError(code, self.line, "a name was expected")
        name: str = self._value()
        self._take(":")
        return name

    def _value(self) -> Any:
        self._peek()
        while True:
            try:
                value, end = self._values.raw_decode(self._text, self._at)
            except RecursionError:
                raise _BrokenError("nested_too_deeply", self.line) from None
            except JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated") or _CUT.fullmatch(self._text, error.pos)
                if cut and self._fill():
                    continue
                code = "truncated_json" if cut and self._ended else "malformed_json"
                raise _BrokenError(code, self._line_at(error.pos)) from None
            # A number that touches the end of what was read may go on.
            if end == len(self._text) and self._fill():
                continue
            self._at = end
            return value

    def _peek(self) -> str:
        while True:
            space = _SPACE.match(self._text, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._fill():
                return ""

    def _take(self, marks: str) -> str:
        mark = self._peek()
        if not mark:
            raise _BrokenError("truncated_json", self.line)
        if mark not in marks:
            raise _BrokenError("malformed_json", self.line, f"expected one of {' '.join(marks)}")
        self._at += 1
        return mark

    def _skip_to_next_object(self) -> None:
        while (found := self._text.find("\n{", self._at)) < 0:
            self._at = max(self._at, len(self._text) - 1)
            self._stream.restart()
            if not self._fill():
                self._at = len(self._text)
                return
        self._at = found + 1

    def _fill(self) -> bool:
        # Twice as much each time, so that decoding again from the start stays linear in all.
        kept = self._text[self._at :]
        self._line, self._counted = self.line, 0
        self._text, self._at = kept, 0
        while not self._ended:
            try:
                data = self._stream.read(min(max(_CHUNK, len(kept)), _MAX_CHUNK))
            except DocumentTooLargeError:
                raise _BrokenError("too_large", self.line) from None
            self._ended = not data
            if text := self._decoded(data):
                self._text = kept + text
                return True
        return False

    def _decoded(self, data: bytes) -> str:
        try:
            return self._bytes.decode(data, final=not data)
        except UnicodeDecodeError as error:
            lines = error.object.count(b"\n", 0, error.start)
            line = self._line_at(len(self._text)) + lines
            self._report(problem("bad_utf8", line=line))
            self._bytes = codecs.getincrementaldecoder("utf-8")("replace")
            return self._bytes.decode(error.object, final=not data)

    def _line_at(self, position: int) -> int:
        return self._line + self._text.count("\n", self._counted, position)


def _number(digits: str) -> int | float:
    # No offset has 20 digits, and int() raises at 4,300.
    return int(digits) if len(digits) < 20 else float(digits)
