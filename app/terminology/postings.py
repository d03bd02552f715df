"""Builds the postings of an index: for each n-gram the numbers of the entries that have it."""

import sqlite3
from collections.abc import Collection
from itertools import groupby

import numpy as np

from app.corpora.documents import MentionType
from app.terminology.schema import NORMS, NUMBERS, hashed, type_number, weight

# How many numbers are collected before they are written; it bounds the memory this takes.
_MOST_COLLECTED = 2**20


class PostingsWriter:
    """Collects the n-grams of the entries of one type, and numbers the entries."""

    def __init__(self, database: sqlite3.Connection, type_: MentionType) -> None:
        self._database = database
        self._type = type_
        self._table = f"staging.postings_{type_number(type_)}"
        self._entries = 0
        self._numbers = _Numbers()
        self._collected: list[int] = []
        self._lengths: list[int] = []
        database.execute(f"CREATE TABLE {self._table} (gram INTEGER, entries BLOB)")

    def add(self, grams: Collection[str]) -> int:
        """Add an entry with these n-grams, each of them once. Returns its number."""
        self._collected.extend(map(self._numbers.__getitem__, grams))
        self._lengths.append(len(grams))
        self._entries += 1
        if len(self._collected) >= _MOST_COLLECTED:
            self._write()
        return self._entries - 1

    def finish(self) -> None:
        """Join what was written, n-gram by n-gram, and sum up the norms."""
        self._write()
        squares = np.zeros(self._entries)
        select = f"SELECT gram, entries FROM {self._table} ORDER BY gram, rowid"  # noqa: S608
        pieces = self._database.execute(select)
        for gram, rows in groupby(pieces, key=lambda row: row[0]):
            joined = b"".join(row[1] for row in rows)
            numbers = np.frombuffer(joined, NUMBERS)
            squares[numbers] += weight(self._entries, len(numbers)) ** 2
            self._database.execute("INSERT INTO postings VALUES (?, ?)", (gram, joined))
        norms = np.sqrt(squares).astype(NORMS).tobytes()
        row = (type_number(self._type), norms)
        self._database.execute("INSERT INTO norms VALUES (?, ?)", row)

    def _write(self) -> None:
        if not self._collected:
            return
        first = self._entries - len(self._lengths)
        entries = np.repeat(np.arange(first, self._entries, dtype=NUMBERS), self._lengths)
        grams = np.array(self._collected, NUMBERS)
        entries = entries[np.argsort(grams, kind="stable")]
        ends = np.cumsum(np.bincount(grams, minlength=len(self._numbers)))
        pieces = np.split(entries, ends[:-1])
        self._database.executemany(
            f"INSERT INTO {self._table} VALUES (?, ?)",  # noqa: S608
            (
                (hashed(self._type, gram), piece.tobytes())
                for gram, piece in zip(self._numbers, pieces, strict=True)
            ),
        )
        self._numbers.clear()
        self._collected.clear()
        self._lengths.clear()


class _Numbers(dict[str, int]):
    """Numbers whatever it is asked for, from 0."""

    def __missing__(self, key: str) -> int:
        number = self[key] = len(self)
        return number
