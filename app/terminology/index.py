"""Builds the index of a vocabulary: one SQLite file, in constant memory.

What is read goes, unsorted, to a second file, which is sorted into the index at the end.
"""

import errno
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from tempfile import TemporaryDirectory

from app.corpora.documents import MENTION_TYPES, MentionType
from app.terminology.concepts import Concept
from app.terminology.names import grams, keys
from app.terminology.postings import PostingsWriter
from app.terminology.schema import (
    APPLICATION_ID,
    LONGEST_COMPARED,
    TABLES,
    VERSION,
    entry_id,
    hashed,
    type_number,
)

# How many rows are collected before they are written.
_MOST_COLLECTED = 5_000

_SETTINGS = f"""
PRAGMA main.page_size = 8192;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
PRAGMA main.journal_mode = OFF;
PRAGMA main.synchronous = OFF;
PRAGMA main.cache_size = -16384;
PRAGMA staging.page_size = 8192;
PRAGMA staging.journal_mode = OFF;
PRAGMA staging.synchronous = OFF;
PRAGMA staging.cache_size = -4096;
CREATE TABLE staging.keys (key INTEGER, rank INTEGER, identifier TEXT, concept INTEGER);
"""
# Where a key is that of several concepts, the one that is called so first wins, and of these the
# one with the smallest identifier.
_KEYS = """
INSERT OR IGNORE INTO main.keys
SELECT key, concept FROM staging.keys ORDER BY key, rank, identifier
"""


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
    """Write the index of the concepts to `path`, whole or not at all.

    Raises what they raise, and OSError if the disk has no room.
    """
    with TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder, _disk_errors():
        unfinished = Path(folder, "index")
        with closing(sqlite3.connect(unfinished, isolation_level=None)) as database:
            database.execute("ATTACH ? AS staging", (str(Path(folder, "staging")),))
            database.executescript(_SETTINGS + TABLES)
            database.execute("BEGIN")
            builder = _Builder(database)
            for concept in concepts:
                builder.add(concept)
            statistics = builder.finish()
            database.execute("COMMIT")
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
    return statistics


@contextmanager
def _disk_errors() -> Iterator[None]:
    """Tell of a full disk as a file would: SQLite has an error of its own for it."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_FULL:
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from None


class _Builder:
    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._postings = {type_: PostingsWriter(database, type_) for type_ in MENTION_TYPES}
        self._concepts: Counter[MentionType] = Counter()
        self._keys: list[tuple[int, int, str, int]] = []
        self._entries: list[tuple[int, int, int, str]] = []
        self._names = 0
        self._skipped = 0

    def add(self, concept: Concept) -> None:
        """Index one concept."""
        if concept.type is None:
            self._skipped += 1
            return
        number = self._number(concept, concept.type)
        ranks: dict[str, int] = {}
        alike: dict[frozenset[str], tuple[int, str]] = {}
        for rank, name in zip(chain([0], repeat(1)), concept.names, strict=False):
            for key in keys(name):
                ranks.setdefault(key, rank)
            if len(name) <= LONGEST_COMPARED and (found := frozenset(grams(name))):
                alike.setdefault(found, (rank, name))
        for key, rank in ranks.items():
            self._keys.append((hashed(concept.type, key), rank, concept.identifier, number))
        for found, (rank, name) in alike.items():
            entry = self._postings[concept.type].add(found)
            self._entries.append((entry_id(concept.type, entry), number, rank, name))
        self._names += len(concept.names)
        if len(self._keys) > _MOST_COLLECTED:
            self._write()

    def finish(self) -> IndexStatistics:
        """Sort all that was added."""
        self._write()
        self._database.execute(_KEYS)
        for postings in self._postings.values():
            postings.finish()
        by_type = dict(self._concepts)
        return IndexStatistics(sum(by_type.values()), self._names, self._skipped, by_type)

    def _number(self, concept: Concept, type_: MentionType) -> int:
        row = (concept.identifier, type_number(type_), concept.names[0])
        insert = "INSERT OR IGNORE INTO concepts (identifier, type, name) VALUES (?, ?, ?)"
        cursor = self._database.execute(insert, row)
        if cursor.rowcount:
            self._concepts[type_] += 1
            assert cursor.lastrowid is not None
            return cursor.lastrowid
        select = "SELECT number FROM concepts WHERE identifier = ? AND type = ?"
        number: int = self._database.execute(select, row[:2]).fetchone()[0]
        return number

    def _write(self) -> None:
        self._database.executemany("INSERT INTO staging.keys VALUES (?, ?, ?, ?)", self._keys)
        self._database.executemany("INSERT INTO entries VALUES (?, ?, ?, ?)", self._entries)
        self._keys.clear()
        self._entries.clear()
