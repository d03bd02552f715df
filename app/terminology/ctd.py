"""The chemicals and diseases of the Comparative Toxicogenomics Database as TSV.

The format is that of CTD_chemicals.tsv and CTD_diseases.tsv (ctdbase.org/downloads): comments, of
which one has the names of the columns, then a concept a line. Columns are found by their names, as
CTD has added some over the years and has split the synonyms by their origin.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from app.corpora.documents import MentionType
from app.terminology.concepts import Concept, VocabularyError
from app.terminology.fields import curie, names
from app.terminology.lines import lines

# CTD's files of associations name these as well; no vocabulary has two of them.
_NAMES = {"Chemical": "ChemicalName", "Disease": "DiseaseName", "Gene": "GeneSymbol"}


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a line has what we want; `count` is how many columns the header names."""

    name: int
    identifier: int
    synonyms: tuple[int, ...]
    count: int


def read(stream: BinaryIO, type_: MentionType) -> Iterator[Concept]:
    """The concepts of one of the two files. Raises VocabularyError."""
    columns: Columns | None = None
    for number, line in lines(stream):
        if columns is None and (columns := header(line, type_)):
            continue
        if line.startswith("#"):
            continue
        if columns is None:
            detail = f"No line before names the columns {type_}Name, {type_}ID and Synonyms."
            raise VocabularyError("bad_columns", detail, number)
        yield _concept(line.split("\t"), columns, type_, number)


def header(line: str, type_: MentionType) -> Columns | None:
    """The columns that this line names, or None if it does not name those of the vocabulary."""
    fields = [field.strip() for field in line.lstrip("# ").split("\t")]
    others = [name for other, name in _NAMES.items() if other != type_]
    synonyms = tuple(at for at, field in enumerate(fields) if field.endswith("Synonyms"))
    wanted = (_NAMES[type_], f"{type_}ID")
    if not synonyms or not set(wanted) <= set(fields) or set(others) & set(fields):
        return None
    name, id_ = map(fields.index, wanted)
    return Columns(name, id_, synonyms, len(fields))


def _concept(fields: Sequence[str], columns: Columns, type_: MentionType, line: int) -> Concept:
    # Empty columns at the end may be missing.
    if not max(columns.name, columns.identifier) < len(fields) <= columns.count:
        detail = f"There have to be {columns.count} columns, as the header says."
        raise VocabularyError("bad_columns", detail, line)
    written = [fields[columns.name]]
    for column in columns.synonyms:
        if column < len(fields):
            written += fields[column].split("|")
    return Concept(curie(fields[columns.identifier], line), type_, names(written, line))
