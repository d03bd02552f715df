"""Builds the index of a vocabulary: one SQLite file, in constant memory."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.corpora.documents import MentionType
from app.terminology.concepts import Concept


@dataclass(frozen=True, slots=True)
class IndexStatistics:
    """What an index holds: concepts, their names, concepts of each type, and how many are left out.

    A concept that comes twice (in two files) counts once, its names as often as they come.
    """

    concepts: int
    names: int
    skipped: int
    by_type: dict[MentionType, int]


def build_index(concepts: Iterable[Concept], path: Path) -> IndexStatistics:
    """Write the index of the concepts to `path`, whole or not at all. Raises what they raise."""
    raise NotImplementedError
