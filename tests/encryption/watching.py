"""Looks for words where they must not lie: in folders, all the time, and in databases."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg import sql


def holding(folder: Path, words: list[bytes]) -> list[str]:
    """The files below a folder that hold one of the words, or have it in their names."""
    found = []
    for below, _, names in os.walk(folder):
        for name in names:
            path = Path(below, name)
            with suppress(FileNotFoundError):
                content = path.read_bytes()
                if any(word in content or word in name.encode() for word in words):
                    found.append(str(path.relative_to(folder)))
    return found


@contextmanager
def watched(folder: Path, words: list[bytes]) -> Iterator[set[str]]:
    """The files of a folder that held a word at any time of the block, as far as can be seen."""
    found: set[str] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            found.update(holding(folder, words))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()
        found.update(holding(folder, words))


def tables_holding(url: str, words: list[bytes]) -> list[str]:
    """The tables of a PostgreSQL database with one of the words in a row."""
    found = []
    query = (
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = "
        "'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
    )
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql")) as connection:
        for schema, table in connection.execute(query).fetchall():
            rows = sql.SQL("SELECT row::text FROM {} AS row").format(sql.Identifier(schema, table))
            content = " ".join(row[0] for row in connection.execute(rows)).encode()
            if any(word in content for word in words):
                found.append(f"{schema}.{table}")
    return found
