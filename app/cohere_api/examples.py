"""How many examples an uploaded file of training rows has, before anyone has validated it.

Files are read here only to be counted: one line of JSONL, or one record of CSV, is an example, as
Cohere counts them. What is wrong with a file is found when the dataset is validated.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.corpora import unpack
from app.corpora.formats import HEAD, detect
from app.corpora.problems import Problem
from app.prompts import csv_rows, rows

_LONGEST_READ = 2**20


@dataclass(frozen=True)
class Counted:
    """Examples of one upload, and the formats (`jsonl`, `csv`) they are in."""

    examples: int
    formats: frozenset[str]


def count(path: Path, filename: str, limits: unpack.Limits) -> Counted:
    """Count the examples of a file, or of all files in an archive."""
    examples = 0
    formats: set[str] = set()
    try:
        for name, stream in unpack.members(path, filename, limits):
            assert isinstance(stream, io.BufferedReader)
            is_csv = detect(stream.peek(HEAD), name) == csv_rows.FORMAT.name
            formats.add((csv_rows if is_csv else rows).FORMAT.name)
            examples += _records(stream) if is_csv else _lines(stream)
    except unpack.UnpackError:
        pass  # the validation says so
    return Counted(examples, frozenset(formats))


def common_format(counted: Iterable[Counted]) -> str | None:
    """The format of all of them; None if they differ, and each is to be recognised."""
    formats = frozenset[str]().union(*(each.formats for each in counted))
    return next(iter(formats)) if len(formats) == 1 else None


def _records(stream: BinaryIO) -> int:
    return sum(1 for _ in csv_rows.records(stream, _pass_over))


def _pass_over(found: Problem) -> None:
    """Nobody is told twice."""


def _lines(stream: BinaryIO) -> int:
    """Lines that are not blank; one without an end is read in pieces."""
    examples, begins = 0, True
    while line := stream.readline(_LONGEST_READ):
        examples += begins and not line.isspace()
        begins = line.endswith(b"\n")
    return examples
