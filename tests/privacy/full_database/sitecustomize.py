"""SQLite of the service that may not grow as long as the file is there that $FULL_DATABASE names.

Python imports this before all else where the folder is on its path. The limit is SQLite's own
(`max_page_count`), and so is the failure: SQLITE_FULL, as where its disk has no room.
"""

import os
import sqlite3
import sqlite3.dbapi2
import sys
from pathlib import Path
from typing import Any

_FULL = Path(os.environ["FULL_DATABASE"])
_AS_MANY_AS_THERE_ARE, _ANY = 1, 2**32 - 2
_connect = sqlite3.connect


class Connection(sqlite3.Connection):
    """Looks before each statement whether there is room."""

    pages = _ANY

    def cursor(self, *_: Any, **__: Any) -> Any:
        return super().cursor(Cursor)

    def execute(self, *arguments: Any) -> Any:
        return self.cursor().execute(*arguments)


class Cursor(sqlite3.Cursor):
    """Of such a connection."""

    def execute(self, *arguments: Any) -> Any:
        connection: Any = self.connection
        pages = _AS_MANY_AS_THERE_ARE if _FULL.exists() else _ANY
        if connection.pages != pages:
            connection.pages = pages
            super().execute(f"PRAGMA max_page_count = {pages}").fetchall()
        return super().execute(*arguments)


def connect(*arguments: Any, **named: Any) -> Any:
    """As of `sqlite3`, with a class of connections of our own."""
    return _connect(*arguments, **{"factory": Connection, **named})


if "anyio.to_process" not in sys.orig_argv:  # its children have none but files of their own
    sqlite3.connect = sqlite3.dbapi2.connect = connect
