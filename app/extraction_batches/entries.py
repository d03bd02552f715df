"""Texts of a batch as its shards keep them: one line of JSON each, in input order.

{"index": 0, "id": "227508", "text": "..."}                          of an upload
{"index": 0, "id": "227508", "passages": [[type, offset, text]], "split": "dev"}  of a dataset
{"index": 7, "id": "7", "error": {"code": "...", "message": "..."}}  what cannot be asked about
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from app.corpora.documents import Document, Passage

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a document has no answer: a code of docs/errors.md and a sentence without text of it."""

    code: str
    message: str


@dataclass(frozen=True)
class Entry:
    """One document of the input; `index` counts from 0. With a fault it has no passages."""

    index: int
    id: str
    passages: tuple[Passage, ...] = ()
    split: str | None = None
    fault: Fault | None = None

    @cached_property
    def text(self) -> str:
        """What the model is asked about; offsets count from its beginning."""
        return Document(self.id, self.passages).text


def of_text(index: int, document_id: str, text: str) -> Entry:
    """The entry of a plain text."""
    return Entry(index, document_id, (Passage("abstract", 0, text),))


def dumps(entry: Entry) -> bytes:
    """The entry's line, with its line end."""
    row: dict[str, object] = {"index": entry.index, "id": entry.id}
    if entry.fault is not None:
        row["error"] = {"code": entry.fault.code, "message": entry.fault.message}
    elif entry.split is None:
        row["text"] = entry.text
    else:
        row["passages"] = [(p.type, p.offset, p.text) for p in entry.passages]
        row["split"] = entry.split
    return _encode(row).encode() + b"\n"


def loads(line: bytes) -> Entry:
    """The entry of a line that `dumps` wrote."""
    row = json.loads(line)
    index, document_id = row["index"], row["id"]
    if "error" in row:
        return Entry(index, document_id, fault=Fault(**row["error"]))
    if "text" in row:
        return of_text(index, document_id, row["text"])
    passages = tuple(Passage(*passage) for passage in row["passages"])
    return Entry(index, document_id, passages, row["split"])


def read(lines: Iterable[bytes]) -> Iterator[Entry]:
    """The entries of a shard, in order."""
    return map(loads, lines)
