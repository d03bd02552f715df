"""What can be wrong with a corpus file: every code once, with its severity, meaning and hint.

An error means the data set cannot be used, a warning that it can and someone should have a look.
Messages name ids, offsets, lines and counts; they never hold text of a document.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]


class Code(NamedTuple):
    """One kind of problem: how bad it is, what it means, and what to do about it."""

    severity: Severity
    meaning: str
    hint: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem found; `line` counts from 1 and is None where it is not known."""

    severity: Severity
    code: str
    line: int | None
    document_id: str | None
    message: str
    hint: str


Report = Callable[[Problem], None]


def problem(
    code: str, detail: str = "", *, line: int | None = None, document_id: str | None = None
) -> Problem:
    """A problem of a code in `CODES`; `detail` (numbers, names of fields) ends the message."""
    severity, meaning, hint = CODES[code]
    message = f"{meaning}: {detail}" if detail else meaning
    return Problem(severity, code, line, document_id, message, hint)


CODES: dict[str, Code] = {
    # The file
    "bad_utf8": Code("error", "the file is not UTF-8", "Save the file as UTF-8."),
    "byte_order_mark": Code(
        "warning", "the file begins with a byte order mark", "It was left out; save without one."
    ),
    "unknown_format": Code(
        "error", "the format was not recognised", "Name the format, or check the file."
    ),
    "no_documents": Code("error", "there is no document in the file", "Check the format chosen."),
    "truncated_xml": Code("error", "the XML ends too early", "Upload the whole file again."),
    "malformed_xml": Code("error", "the XML is not well-formed", "Check it with an XML parser."),
    "entity_declaration": Code(
        "error",
        "the XML declares or uses entities of its own",
        "Write the characters themselves; only &lt; &gt; &amp; &quot; &apos; are read.",
    ),
    "truncated_json": Code("error", "the JSON ends too early", "Upload the whole file again."),
    "malformed_json": Code("error", "the JSON is not well-formed", "Check it with a JSON parser."),
    "nested_too_deeply": Code(
        "error",
        "something is nested in itself too deeply",
        "Check the file: no format has more than ten levels.",
    ),
    "malformed_line": Code(
        "error",
        "the line is neither a text, a mention nor a relation",
        "Expected id|t|title, id|a|abstract, or the columns of PubTator separated by tabs.",
    ),
    "malformed_document": Code(
        "error", "the document does not have the shape expected", "Compare it with the format."
    ),
    "too_large": Code(
        "error", "one document or line is too large", "Split the text into smaller documents."
    ),
    # One document
    "bad_document_id": Code(
        "error",
        "the document id is missing or unusable",
        "Use 1 to 200 printable characters, without '|'.",
    ),
    "bad_passage_offset": Code(
        "error",
        "a passage does not follow the one before it",
        "Offsets count code points from the document's start; passages may not overlap.",
    ),
    "invalid_character": Code(
        "error",
        "a text holds control characters or half surrogates",
        "Replace each by a space, so that the offsets still agree.",
    ),
    "empty_text": Code("error", "the document has no text", "Leave the document out."),
    "offset_mismatch": Code(
        "error",
        "the text at the offsets of a mention is not the text given for it",
        "Offsets count Unicode code points (not bytes) of title, one space, abstract.",
    ),
    "span_outside_document": Code(
        "error",
        "a mention is empty or reaches beyond the text",
        "Offsets start at 0, end after start, and count from the document's start.",
    ),
    "unknown_type": Code(
        "error",
        "a mention is of a type that is not known",
        "Known are Chemical and Disease, and the labels of the NCBI Disease corpus.",
    ),
    "bad_identifier": Code(
        "error",
        "a concept identifier is unusable",
        "Use MeSH ids (D003000) or CURIEs (OMIM:114500), several joined by '|'.",
    ),
    "duplicate_mention": Code(
        "warning", "a mention is given twice", "Both were read as one, with all identifiers."
    ),
    "unknown_relation_identifier": Code(
        "warning",
        "a relation names a concept that no mention of the document has",
        "It can be scored but not found in the text; check the identifiers.",
    ),
    # Several documents
    "too_many_documents": Code(
        "error",
        "there are too many documents",
        "Make several datasets of them, or raise MEDTUNE_MAX_DOCUMENTS.",
    ),
    "duplicate_document": Code(
        "error", "two documents have the same id", "Leave one out, or give it an id of its own."
    ),
    "document_in_two_splits": Code(
        "error",
        "a document is in two splits",
        "Leave it out of one, or scores will be too good. "
        "(The published BC5CDR training file may hold the whole development set.)",
    ),
    "same_text": Code(
        "warning", "two documents have the same text", "Scores are too good if splits share text."
    ),
    # Archives
    "archive_broken": Code("error", "the archive cannot be read", "Pack and upload it again."),
    "archive_encrypted": Code("error", "the archive is encrypted", "Upload it without password."),
    "archive_nested": Code(
        "error", "there is an archive inside the archive", "Pack the files themselves."
    ),
    "archive_unsupported": Code("error", "this kind of archive is not read", "Use .zip or .gz."),
    "archive_too_many_files": Code("error", "the archive holds too many files", "Split it."),
    "archive_too_large": Code("error", "the archive's content is too large", "Split it."),
    "archive_ratio": Code(
        "error", "the archive unpacks to far more than it should", "Upload it unpacked."
    ),
}
