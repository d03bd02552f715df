r"""PubTator text, as BC5CDR and the NCBI Disease corpus are published in.

    id|t|title                                  then id|a|abstract
    id \t start \t end \t text \t type \t identifiers [\t parts]
    id \t CID \t chemical \t disease            and a blank line after each document

Offsets count title, one space, abstract. Splits are not part of the format. It has room for one
title and one abstract without line breaks: the writer joins further passages to the abstract and
writes tabs and line breaks as spaces, all offsets staying as they are.
"""

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from app.corpora.documents import Document
from app.corpora.draft import Draft
from app.corpora.identifiers import curies, field
from app.corpora.parts import Parts, write_parts
from app.corpora.problems import Report, problem
from app.corpora.streams import BYTE_ORDER_MARK, MAX_DOCUMENT_BYTES

_PASSAGE_TYPES = {"t|": "title", "a|": "abstract"}
_BREAKS = re.compile(r"[\t\n\r]")


def read(stream: BinaryIO, report: Report) -> Iterator[tuple[str | None, Document]]:
    """The documents of a file, one by one, split None; problems go to `report`."""
    draft: Draft | None = None
    size = 0
    for number, line in _lines(stream, report):
        size += len(line)
        opening = _opening(line)
        if draft and (not line or (opening and not _continues(draft, opening))):
            yield None, draft.document()
            draft = None
        if opening:
            document_id, type_, text = opening
            if draft is None:
                draft, size = Draft(document_id, report, number), len(line)
            draft.add_passage(type_, text, line=number)
        elif line and size <= MAX_DOCUMENT_BYTES:
            _annotate(draft, line.split("\t"), number, report)
        elif line and size - len(line) <= MAX_DOCUMENT_BYTES:
            report(problem("too_large", line=number, document_id=draft.id if draft else None))
    if draft:
        yield None, draft.document()


def write(documents: Iterable[tuple[str | None, Document]], out: BinaryIO) -> None:
    """Write the documents as UTF-8; the splits are lost."""
    write_parts(PARTS, documents, out)


def _part(_split: str | None, document: Document) -> bytes:
    return "".join(_written(document)).encode()


PARTS = Parts(b"", _part, b"", b"")


def _lines(stream: BinaryIO, report: Report) -> Iterator[tuple[int, str]]:
    number = 0
    while line := stream.readline(MAX_DOCUMENT_BYTES):
        number += 1
        if number == 1 and line.startswith(BYTE_ORDER_MARK):
            report(problem("byte_order_mark", line=1))
            line = line[len(BYTE_ORDER_MARK) :]
        if len(line) == MAX_DOCUMENT_BYTES and not line.endswith(b"\n"):
            report(problem("too_large", line=number))
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_DOCUMENT_BYTES)
            continue
        try:
            text = line.decode()
        except UnicodeDecodeError:
            report(problem("bad_utf8", line=number))
            text = line.decode(errors="replace")
        text = text.removesuffix("\n").removesuffix("\r")
        yield number, text if text and not text.isspace() else ""


def _opening(line: str) -> tuple[str, str, str] | None:
    document_id, bar, rest = line.partition("|")
    type_ = _PASSAGE_TYPES.get(rest[:2])
    if not bar or type_ is None or "\t" in document_id:
        return None
    return document_id, type_, rest[2:]


def _continues(draft: Draft, opening: tuple[str, str, str]) -> bool:
    document_id, type_, _ = opening
    return type_ == "abstract" and document_id.strip() == draft.id and draft.passages == 1


def _annotate(draft: Draft | None, columns: list[str], line: int, report: Report) -> None:
    if draft is None or columns[0].strip() != draft.id:
        report(problem("malformed_line", "no text of this document before it", line=line))
    elif len(columns) == 4:
        _, type_, chemical, disease = columns
        draft.add_relation(curies(chemical), curies(disease), type_.strip(), line)
    elif 5 <= len(columns) <= 7:
        _add_mention(draft, columns, line)
    else:
        draft.problem("malformed_line", f"{len(columns)} columns", line)


def _add_mention(draft: Draft, columns: list[str], line: int) -> None:
    _, start, end, text, label, *rest = columns
    try:
        span = int(start), int(end)
    except ValueError:
        draft.problem("malformed_line", "the offsets are not numbers", line)
        return
    identifiers = curies(rest[0]) if rest else ()
    parts = rest[1].split("|") if len(rest) > 1 else ()
    draft.add_mention(*span, text, label.strip(), identifiers, parts, line)


def _written(document: Document) -> Iterator[str]:
    # Without a character to spare between title and body, all the text has to be the abstract.
    body, text = document.body_offset, _BREAKS.sub(" ", document.text)
    only_title = len(document.passages) == 1 and document.passages[0].type == "title"
    if only_title:
        yield f"{document.id}|t|{text}\n"
    elif body and text[body - 1] == " ":
        yield f"{document.id}|t|{text[: body - 1]}\n{document.id}|a|{text[body:]}\n"
    else:
        yield f"{document.id}|a|{text}\n"
    for mention in document.mentions:
        surface = text[mention.start : mention.end]
        parts = "\t" + "|".join(mention.parts) if mention.parts else ""
        yield (
            f"{document.id}\t{mention.start}\t{mention.end}\t{surface}\t{mention.type}"
            f"\t{field(mention.identifiers)}{parts}\n"
        )
    for relation in document.relations:
        chemical, disease = field((relation.chemical,)), field((relation.disease,))
        yield f"{document.id}\t{relation.type}\t{chemical}\t{disease}\n"
    yield "\n"
