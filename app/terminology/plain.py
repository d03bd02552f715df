"""A plain vocabulary: lines `identifier<TAB>name|synonym|...`, UTF-8; `#` begins a comment."""

from collections.abc import Iterator
from typing import BinaryIO

from app.corpora.documents import MentionType
from app.terminology.concepts import Concept, VocabularyError
from app.terminology.fields import curie, names
from app.terminology.lines import lines


def read(stream: BinaryIO, type_: MentionType) -> Iterator[Concept]:
    """The concepts, all of one type. Raises VocabularyError."""
    for number, line in lines(stream):
        if line.startswith("#"):
            continue
        fields = line.split("\t")
        if len(fields) != 2:
            detail = "There have to be two columns: the identifier, and its names joined by `|`."
            raise VocabularyError("bad_columns", detail, number)
        yield Concept(curie(fields[0], number), type_, names(fields[1].split("|"), number))


def matches(line: str) -> bool:
    """Whether a line, or its beginning, is one of a plain vocabulary."""
    identifier, tab, names_ = line.partition("\t")
    try:
        curie(identifier, 1)
    except VocabularyError:
        return False
    return bool(tab) and "\t" not in names_
