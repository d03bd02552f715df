"""Which formats there are, and which of them a file is in.

`FORMATS` is a plain table: another room adds a format of its own with `FORMATS | {...}`.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from app.corpora import bigbio_json, bioc_json, bioc_xml, pubtator
from app.corpora.documents import Document
from app.corpora.problems import Report
from app.corpora.streams import BYTE_ORDER_MARK

Reader = Callable[[BinaryIO, Report], Iterator[tuple[str | None, Document]]]
Writer = Callable[[Iterable[tuple[str | None, Document]], BinaryIO], None]

# How much of a file `detect` should be given: enough for the longest title.
HEAD = 2**16


@dataclass(frozen=True, slots=True)
class Format:
    """A file format: how to read it, how to write it (None if it is only read), how to serve it.

    Readers yield (split or None, document) and report problems, they raise only what the stream
    raises; writers take the same pairs.
    """

    name: str
    title: str
    media_type: str
    extension: str
    read: Reader
    write: Writer | None


FORMATS: dict[str, Format] = {
    format_.name: format_
    for format_ in (
        Format(
            "pubtator", "PubTator", "text/plain", ".pubtator.txt", pubtator.read, pubtator.write
        ),
        Format(
            "bioc_xml", "BioC XML", "application/xml", ".bioc.xml", bioc_xml.read, bioc_xml.write
        ),
        Format(
            "bioc_json",
            "BioC JSON",
            "application/json",
            ".bioc.json",
            bioc_json.read,
            bioc_json.write,
        ),
        Format(
            "bigbio_json",
            "BigBio JSON",
            "application/json",
            ".bigbio.json",
            bigbio_json.read,
            bigbio_json.write,
        ),
    )
}

_PUBTATOR = re.compile(rb"[^|\t\r\n]{1,200}\|[ta]\|")
# Names that only one JSON format has; the first that occurs in the file decides.
_NAMES = {
    b"prompt": "jsonl",
    b"completion": "jsonl",
    b"messages": "jsonl",
    b"document_id": "bigbio_json",
    b"dataset_type": "bigbio_json",
    b"entities": "bigbio_json",
    b"infons": "bioc_json",
    b"documents": "bioc_json",
    b"PubTator3": "bioc_json",
}
# In a text, the quotes of such a name would be escaped.
_NAME = re.compile(rb'"(' + b"|".join(_NAMES) + rb')"[ \t\r\n]*:')
# What may part the columns of prompt rows in CSV; the header has these two names at least.
CSV_DELIMITERS = ",;\t"
_COLUMNS = {b"prompt", b"completion"}
_DELIMITER = re.compile(b"[" + CSV_DELIMITERS.encode() + b"]")
_EXTENSIONS = {
    ".pubtator": "pubtator",
    ".pubtator.txt": "pubtator",
    ".xml": "bioc_xml",
    ".jsonl": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
}


def detect(head: bytes, filename: str = "") -> str | None:
    """The name of the format of a file that begins with `head` (the first HEAD bytes will do).

    Content counts; the file's name only if the content says nothing. Prompt and chat rows are
    `jsonl` or `csv`, which are not in FORMATS here. None if nothing is recognised.
    """
    head = head.removeprefix(BYTE_ORDER_MARK).lstrip()
    if head.startswith(b"<"):
        return "bioc_xml"
    if head.startswith((b"{", b"[")) and (name := _NAME.search(head)):
        return _NAMES[name[1]]
    if _PUBTATOR.match(head):
        return "pubtator"
    header = head.partition(b"\n")[0]
    if _COLUMNS.issubset(name.strip(b'" \r').lower() for name in _DELIMITER.split(header)):
        return "csv"
    name_in_lower_case = filename.lower()
    for extension, format_ in _EXTENSIONS.items():
        if name_in_lower_case.endswith(extension):
            return format_
    return None
