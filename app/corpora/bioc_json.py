"""BioC JSON, as the `bioc` package and PubTator write it: a collection, a list, or one a line.

The shape is that of `bioc`. A collection's split is only known if its infons come before its
documents, as they do in files written here.
"""

import json
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from app.corpora.bioc import read_document, to_raw
from app.corpora.documents import Document
from app.corpora.json_stream import records
from app.corpora.parts import Parts, write_parts
from app.corpora.problems import Report

_LISTS = ("documents", "PubTator3")
_HEAD = b'{"source":"Medtune","date":"","key":"","version":"1.0","infons":{},"documents":['


def read(stream: BinaryIO, report: Report) -> Iterator[tuple[str | None, Document]]:
    """The documents with their splits, one by one; problems go to `report`."""
    for line, raw, around in records(stream, report, _LISTS):
        if found := read_document(raw, around, line, report):
            yield found


def write(documents: Iterable[tuple[str | None, Document]], out: BinaryIO) -> None:
    """Write one collection, a document a line; the split is an infon of each document."""
    write_parts(PARTS, documents, out)


def _part(split: str | None, document: Document) -> bytes:
    raw = to_raw(split, document)
    for passage in raw["passages"]:
        passage |= {"sentences": [], "relations": []}
    for relation in raw["relations"]:
        relation["nodes"] = []
    raw["annotations"] = []
    return json.dumps(raw, ensure_ascii=False, separators=(",", ":")).encode()


PARTS = Parts(_HEAD + b"\n", _part, b",\n", b"\n]}\n")
