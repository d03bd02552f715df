"""The input of a batch, read as a stream: JSONL of texts, or the documents of a dataset.

A line is `{"text": "...", "id": "..."}` (other names are passed over) or a JSON string; the id may
be a number, and without one it is the index. Blank lines are no documents. What cannot be read is
one entry with a fault, never the end of the batch.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from app.corpora import canonical
from app.corpora.streams import BYTE_ORDER_MARK
from app.extraction_batches.entries import Entry, Fault, of_text

# In JSON a code point takes twelve bytes at the most, as two escapes of a surrogate pair.
_BYTES_OF_CHARACTER = 12
_ROOM = 1 << 16  # for the id, names and white space of a line
_LONGEST_ID = 1000


class _LineError(Exception):
    """A line is no document: code and message of its fault."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(code, message)


def read_jsonl(stream: BinaryIO, max_characters: int) -> Iterator[Entry]:
    """An entry for each line that is not blank. Raises what the stream raises, nothing else."""
    longest = max_characters * _BYTES_OF_CHARACTER + _ROOM
    index, first = 0, True
    while line := stream.readline(longest):
        whole = len(line) < longest or line.endswith(b"\n")
        rest = line
        while not whole and rest and not rest.endswith(b"\n"):
            rest = stream.readline(longest)
        if first:
            line, first = line.removeprefix(BYTE_ORDER_MARK), False
        if whole and not line.strip():
            continue
        yield _entry(index, line, max_characters) if whole else _too_long(index, max_characters)
        index += 1


def read_documents(
    splits: Iterable[tuple[str, Iterable[bytes]]], max_characters: int
) -> Iterator[Entry]:
    """An entry for each canonical line of a dataset's (name, lines), without its annotations."""
    index = 0
    for split, lines in splits:
        for line in lines:
            document = canonical.loads(line)
            entry = Entry(index, document.id, document.passages, split)
            if len(entry.text) > max_characters:
                fault = _long(max_characters).fault
                entry = Entry(index, document.id, split=split, fault=fault)
            yield entry
            index += 1


def _entry(index: int, line: bytes, max_characters: int) -> Entry:
    document_id = str(index)
    try:
        row = _decoded(line)
        if isinstance(row, dict):
            document_id = _id(row.get("id"), document_id)
            row = row.get("text")
        return of_text(index, document_id, _text(row, max_characters))
    except _LineError as error:
        return Entry(index, document_id, fault=error.fault)


def _decoded(line: bytes) -> Any:
    try:
        return json.loads(line.decode())
    except UnicodeDecodeError:
        raise _LineError("bad_utf8", "The line is not UTF-8.") from None
    except (ValueError, RecursionError):
        raise _LineError("malformed_json", "The line is not JSON.") from None


def _id(value: Any, index: str) -> str:
    if value is None:
        return index
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > _LONGEST_ID:
        message = f"The id is not a string of at most {_LONGEST_ID} characters."
        raise _LineError("malformed_document", message)
    _check_unicode(value, "id")
    return value


def _text(value: Any, max_characters: int) -> str:
    if not isinstance(value, str):
        message = "The line is neither a string nor an object with a string as its text."
        raise _LineError("malformed_document", message)
    if len(value) > max_characters:
        raise _long(max_characters)
    _check_unicode(value, "text")
    return value


def _check_unicode(value: str, name: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        message = f"Half of a surrogate pair in the {name}."
        raise _LineError("invalid_character", message) from None


def _long(max_characters: int) -> _LineError:
    message = f"The text has more than {max_characters} code points."
    return _LineError("text_too_long", message)


def _too_long(index: int, max_characters: int) -> Entry:
    return Entry(index, str(index), fault=_long(max_characters).fault)
