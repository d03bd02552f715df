"""Words that are nowhere else, each for one place it is put at, and where they are found again."""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

_MARK = re.compile(rb"(?i)zq(?:text|name|id|junk)\d+q")


class Marks:
    """Makes them: `text` and `id` may lie in files alone, `name` in columns of names, `junk`
    nowhere; ids may be in answers, too."""

    def __init__(self) -> None:
        self._places: dict[bytes, str] = {}

    def text(self, place: str) -> str:
        """Of what is extracted from."""
        return self._make("text", place)

    def name(self, place: str) -> str:
        """What somebody calls a thing."""
        return self._make("name", place)

    def id(self, place: str) -> str:
        """Of a document."""
        return self._make("id", place)

    def junk(self, place: str) -> str:
        """What is refused, or not looked at."""
        return self._make("junk", place)

    def found(self, content: bytes | str) -> set[str]:
        """The places of the marks in it."""
        raw = content.encode("utf-8", "replace") if isinstance(content, str) else content
        return {self._places.get(m.lower(), m.decode()) for m in _MARK.findall(raw)}

    def _make(self, kind: str, place: str) -> str:
        mark = f"zq{kind}{len(self._places)}q"
        self._places[mark.encode()] = f"{kind}: {place}"
        return mark


def cells(folder: Path, url: str | None) -> Iterator[tuple[str, str]]:
    """(table.column, value) of all rows of the service's and of the job engine's tables."""
    if url is not None:
        yield from _postgres(url)
        return
    for file in folder.glob("*.db"):
        with closing(sqlite3.connect(file)) as connection:
            connection.row_factory = sqlite3.Row
            query = "SELECT name FROM sqlite_master WHERE type = 'table'"
            for (table,) in connection.execute(query).fetchall():
                for row in connection.execute(f'SELECT * FROM "{table}"'):
                    yield from _named(table, dict(row))


def _postgres(url: str) -> Iterator[tuple[str, str]]:
    tables = (
        "SELECT table_schema, table_name FROM information_schema.tables "
        "WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
    )
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        for schema, table in connection.execute(tables).fetchall():
            cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
            for row in cursor.execute(
                sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema, table))
            ):
                yield from _named(table, row)


def _named(table: str, row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for column, value in row.items():
        shown = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        yield f"{table}.{column}", shown
