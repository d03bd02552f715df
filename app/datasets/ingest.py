"""Reads uploaded files into one canonical form: document lines for each split, and a report.

Runs in a process of its own, streams, and never raises for what is wrong with a file: all
findings are in the report. It writes blobs and no rows, so that it can be repeated at any time.
"""

import dataclasses
import hashlib
import io
import json
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import BinaryIO

from app.corpora import canonical, unpack
from app.corpora.documents import Document
from app.corpora.formats import HEAD, detect
from app.corpora.problems import Problem, problem
from app.corpora.validation import Validator
from app.datasets.formats import FORMATS
from app.platform.blobs import Blobs, BlobWriter
from app.platform.lines import iterate
from app.platform.progress import Reading, Tell, untold

DEFAULT_SPLIT = "train"
MAX_SPLITS = 50
# A broken file of a gigabyte could make a report of many.
MAX_LISTED = 100_000


@dataclass(frozen=True)
class Source:
    """One uploaded file; `split`, if given, holds for all of its documents."""

    blob: str
    filename: str
    split: str | None
    bytes: int


@dataclass(frozen=True)
class SplitSource:
    """A split of a ready dataset: its name, and the blob of its canonical document lines.

    `characters` are code points of text: what of its size is known before it is fetched.
    """

    name: str
    blob: str
    characters: int


@dataclass(frozen=True)
class IngestRequest:
    """What to read and for which dataset; plain data, so that it can go to another process.

    The documents of `base` come first, those of the files in their places or after them.
    """

    dataset_id: str
    sources: tuple[Source, ...]
    format: str | None
    blobs: Blobs
    max_unpacked_bytes: int
    max_unpack_ratio: int
    max_documents: int
    base: tuple[SplitSource, ...] = ()


@dataclass
class SplitContents:
    """What a split holds."""

    name: str
    blob: str = ""
    documents: int = 0
    mentions: Counter[str] = field(default_factory=Counter)
    relations: int = 0
    characters: int = 0


@dataclass
class IngestResult:
    """What came of it; `splits` are empty if there was an error."""

    formats: list[str]
    report_blob: str
    problems: Counter[str]
    errors: int
    warnings: int
    version: str | None
    splits: list[SplitContents]


class _Reporter:
    """Counts all problems, and writes each as a line of the report up to a sane number."""

    def __init__(self, out: BlobWriter) -> None:
        self._out = out
        self.file: str | None = None
        self.codes: Counter[str] = Counter()
        self.severities: Counter[str] = Counter()

    def __call__(self, found: Problem) -> None:
        self.codes[found.code] += 1
        self.severities[found.severity] += 1
        if self.codes.total() > MAX_LISTED:
            return
        line = dataclasses.asdict(found) | {"file": self.file}
        self._out.write(json.dumps(line).encode() + b"\n")


class _Splits:
    """One open blob for each split, in order of first appearance."""

    def __init__(self, blobs: Blobs, owner: str, stack: ExitStack) -> None:
        self._blobs = blobs
        self._owner = owner
        self._stack = stack
        self._open: dict[str, tuple[SplitContents, BlobWriter]] = {}

    def add(self, name: str, document: Document) -> bool:
        """Append a document; False if that would be one split too many."""
        if name not in self._open:
            if len(self._open) == MAX_SPLITS:
                return False
            writer = self._stack.enter_context(self._blobs.writer(self._owner))
            self._open[name] = (SplitContents(name), writer)
        contents, writer = self._open[name]
        writer.write(canonical.dumps(document).encode() + b"\n")
        contents.documents += 1
        contents.mentions.update(mention.type for mention in document.mentions)
        contents.relations += len(document.relations)
        contents.characters += len(document.text)
        return True

    def contents(self) -> list[SplitContents]:
        """What was written; once the stack is closed."""
        for contents, writer in self._open.values():
            contents.blob = writer.key
        return [contents for contents, _ in self._open.values()]


def ingest(request: IngestRequest, tell: Tell = untold) -> IngestResult:
    """Read all files of a dataset; `tell` is told the share that has been read."""
    blobs = request.blobs
    with blobs.writer(request.dataset_id) as report_writer:
        report = _Reporter(report_writer)
        with ExitStack() as stack:
            splits = _Splits(blobs, request.dataset_id, stack)
            reading = _Documents(request, splits, report, tell)
            try:
                for source in request.sources:
                    reading.source(source)
                reading.join_base()
            except _TooManyDocumentsError:
                report(problem("too_many_documents", f"more than {request.max_documents}"))
        contents = splits.contents()
        if not contents and not report.severities["error"]:
            report.file = None
            report(problem("no_documents"))
    failed = report.severities["error"] > 0
    if failed:
        for split in contents:
            blobs.delete(split.blob)
    return IngestResult(
        formats=reading.formats,
        report_blob=report_writer.key,
        problems=report.codes,
        errors=report.severities["error"],
        warnings=report.severities["warning"],
        version=None if failed else _version(contents),
        splits=[] if failed else contents,
    )


class _TooManyDocumentsError(Exception):
    """What is left need not be read."""


class _Documents:
    """Reads one file after the other; what is wrong goes to the report."""

    def __init__(
        self, request: IngestRequest, splits: _Splits, report: _Reporter, tell: Tell
    ) -> None:
        self.formats: list[str] = []
        self._request = request
        self._splits = splits
        self._report = report
        self._validator = Validator()
        self._count = 0
        # Of a revision: documents that wait for their places; a request's body bounds them.
        self._corrected: dict[tuple[str, str], Document] = {}
        sizes = [source.bytes for source in request.sources]
        self._reading = Reading([*sizes, *(base.characters for base in request.base)], tell)

    def source(self, source: Source) -> None:
        """Read an uploaded file, or all files in it if it is an archive."""
        limits = unpack.Limits(
            total_bytes=self._request.max_unpacked_bytes, ratio=self._request.max_unpack_ratio
        )
        self._report.file = source.filename
        try:
            path = self._request.blobs.fetch(source.blob)
            read = self._reading.at
            for name, stream in unpack.members(path, source.filename, limits, read):
                self._report.file = name
                self._member(source, name, stream)
        except unpack.UnpackError as error:
            self._report(problem(error.code))
        self._reading.end()

    def _member(self, source: Source, filename: str, stream: BinaryIO) -> None:
        head = _head(stream)
        format_name = self._request.format or detect(head, filename)
        if format_name is None and not head.strip():
            self._report(problem("no_documents"))
            return
        if format_name is None:
            self._report(problem("unknown_format"))
            return
        if format_name not in self.formats:
            self.formats.append(format_name)
        empty = True
        for own_split, document in FORMATS[format_name].read(stream, self._report):
            empty = False
            split = source.split or own_split or DEFAULT_SPLIT
            if not self._request.base:
                self._add(split, document)
            elif (split, document.id) in self._corrected:
                self._report(problem("duplicate_document", document_id=document.id or None))
            else:
                self._corrected[split, document.id] = document
        if empty:
            self._report(problem("no_documents"))

    def join_base(self) -> None:
        """Copy the documents that a revision begins with; what was read stands in for its like."""
        self._report.file = None
        for source in self._request.base:
            characters = 0
            for line in iterate([self._request.blobs.fetch(source.blob)]):
                document = canonical.loads(line)
                characters += len(document.text)
                document = self._corrected.pop((source.name, document.id), document)
                self._add(source.name, document)
                self._reading.at(characters)
            self._reading.end()
        for (split, _), document in self._corrected.items():
            self._add(split, document)

    def _add(self, split: str, document: Document) -> None:
        self._count += 1
        if self._count > self._request.max_documents:
            raise _TooManyDocumentsError
        for found in self._validator.check(split, document):
            self._report(found)
        if not self._splits.add(split, document):
            excess = f"more than {MAX_SPLITS} splits"
            self._report(problem("malformed_document", excess, document_id=document.id))


def _head(stream: BinaryIO) -> bytes:
    """The beginning of a stream without taking it from there; its buffer's size bounds it."""
    assert isinstance(stream, io.BufferedReader)
    return stream.peek(HEAD)


def _version(splits: list[SplitContents]) -> str:
    """The sha256 of the splits' names and hashes: the same documents give the same version."""
    lines = [f"{split.name} {split.blob.rpartition('/')[2]}\n" for split in splits]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
