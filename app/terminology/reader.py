"""Reads the tables of an index file, from several threads at once."""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from app.corpora.documents import MENTION_TYPES, MentionType
from app.terminology.concepts import VocabularyError
from app.terminology.schema import APPLICATION_ID, NORMS, NUMBERS, VERSION, type_number

_CONCEPT = """
SELECT identifier FROM keys JOIN concepts ON concepts.number = keys.concept WHERE key = ?
"""
_ENTRIES = """
SELECT entries.id, rank, identifier, entries.name
FROM entries JOIN concepts ON concepts.number = entries.concept WHERE entries.id IN
"""
_WIDTH = np.dtype(NUMBERS).itemsize


class IndexReader:
    """An open index; every method raises VocabularyError, `index_corrupt` or `index_closed`.

    `norms` has, for each type, the lengths of the entries' vectors.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        """Of a connection to an index, which `close` closes."""
        self._database = database
        self._lock = Lock()
        self._closed = False
        self.norms = {type_: self._norms(type_) for type_ in MENTION_TYPES}

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the index, only to read; it must not change while it is open.

        Raises VocabularyError: `index_missing`, `index_foreign`, `index_outdated`, `index_corrupt`.
        """
        if not path.is_file():
            raise VocabularyError("index_missing", "There is no such index.")
        address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        database = sqlite3.connect(address, uri=True, check_same_thread=False)
        try:
            _check(database)
            return cls(database)
        except BaseException:
            database.close()
            raise

    def close(self) -> None:
        """Close the file. Safe to repeat."""
        with self._lock:
            self._closed = True
            self._database.close()

    def concept(self, key: int) -> str | None:
        """The identifier that a key leads to."""
        rows = self._rows(_CONCEPT, (key,))
        return rows[0][0] if rows else None

    def preferred_name(self, identifier: str) -> str | None:
        """What a concept is called first."""
        rows = self._rows("SELECT name FROM concepts WHERE identifier = ?", (identifier,))
        return rows[0][0] if rows else None

    def sizes(self, grams: Collection[int]) -> dict[int, int]:
        """How many entries have each of the n-grams; those that none has are left out."""
        select = f"SELECT gram, length(entries) FROM postings WHERE gram IN {_marks(grams)}"  # noqa: S608
        return {gram: size // _WIDTH for gram, size in self._rows(select, (*grams,))}

    def postings(self, gram: int) -> NDArray[np.int32]:
        """The numbers of the entries that have the n-gram."""
        rows = self._rows("SELECT entries FROM postings WHERE gram = ?", (gram,))
        with reading():
            return np.frombuffer(rows[0][0], NUMBERS)

    def entries(self, ids: Collection[int]) -> list[tuple[int, int, str, str]]:
        """Entries, in no order: their id, rank (0 for a preferred name), identifier and name."""
        return self._rows(_ENTRIES + _marks(ids), (*ids,))

    def _norms(self, type_: MentionType) -> NDArray[np.float32]:
        rows = self._rows("SELECT norms FROM norms WHERE type = ?", (type_number(type_),))
        with reading():
            norms: NDArray[np.float32] = np.frombuffer(rows[0][0], NORMS)
            if not (np.isfinite(norms) & (norms > 0)).all():
                raise ValueError
            return norms

    def _rows(self, query: str, values: tuple[int | str, ...]) -> list[Any]:
        with self._lock, reading():
            if self._closed:
                raise VocabularyError("index_closed", "The index has been closed.")
            return self._database.execute(query, values).fetchall()


@contextmanager
def reading() -> Iterator[None]:
    """Whatever a damaged file leads to is a VocabularyError."""
    try:
        yield
    except (sqlite3.Error, ValueError, TypeError, LookupError, ArithmeticError):
        raise VocabularyError("index_corrupt", "The index is damaged.") from None


def _check(database: sqlite3.Connection) -> None:
    try:
        application = database.execute("PRAGMA application_id").fetchone()
        version = database.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error:
        application = None
    if application != (APPLICATION_ID,):
        raise VocabularyError("index_foreign", "The file is no index of a vocabulary.")
    if version != (VERSION,):
        detail = "The index was built by another version of Medtune; build it again."
        raise VocabularyError("index_outdated", detail)


def _marks(values: Collection[int]) -> str:
    return f"({','.join('?' * len(values))})"
