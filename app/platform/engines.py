"""Connections to the application's database: how one is made, how many are kept, how they begin.

What a connection must not do without is said here once, for the job engine's own as well.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from types import MappingProxyType
from typing import Any

from sqlalchemy import URL, Connection, event
from sqlalchemy.exc import DataError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_BEGIN = "medtune_begin"
# Execution options of an engine whose transactions are for writing.
WRITING: Mapping[str, Any] = MappingProxyType({_BEGIN: "BEGIN IMMEDIATE"})

# Execution options of one whose transactions only read, and see all as it was at their first look.
# On SQLite they do by themselves; PostgreSQL would show each statement what is there by then: a row
# without those that belong to it, if they are deleted in between.
READING: Mapping[str, Any] = MappingProxyType(
    {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
)

# A request is answered within a second or two though the server be gone, or not to be reached: it
# neither waits for a connection (in seconds) nor for the network (in milliseconds) for long.
PATIENCE_SECONDS = 2
_KEPT_CONNECTIONS, MOST_CONNECTIONS = 10, 30
POSTGRES_CONNECTION: Mapping[str, Any] = MappingProxyType(
    {
        "connect_timeout": PATIENCE_SECONDS,
        "tcp_user_timeout": 5000,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
    }
)
POSTGRES_POOL: Mapping[str, Any] = MappingProxyType(
    {
        "pool_pre_ping": True,
        "pool_size": _KEPT_CONNECTIONS,
        "max_overflow": MOST_CONNECTIONS - _KEPT_CONNECTIONS,
        "pool_timeout": PATIENCE_SECONDS,
    }
)
# A connection is a thread with a cache, dear to make: as many as are needed at once are kept.
SQLITE_POOL: Mapping[str, Any] = MappingProxyType(
    {"pool_size": 15, "max_overflow": 0, "pool_use_lifo": True}
)


def new_engine(url: URL) -> AsyncEngine:
    """An engine with a pool; it connects when it is first asked."""
    if url.get_backend_name() != "sqlite":
        connect = dict(POSTGRES_CONNECTION)
        return create_async_engine(url, hide_parameters=True, connect_args=connect, **POSTGRES_POOL)
    engine = create_async_engine(url, hide_parameters=True, **SQLITE_POOL)
    event.listen(engine.sync_engine, "connect", _configure_sqlite)
    event.listen(engine.sync_engine, "begin", _begin)
    event.listen(engine.sync_engine, "before_cursor_execute", _refuse_nul)
    return engine


def _configure_sqlite(connection: Any, _record: object) -> None:
    # The driver's own transaction handling is switched off: `_begin` below emits BEGIN.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=30000",
        # What is deleted is overwritten with zeros.
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def empty_wal(file: str) -> None:
    """Move all changes to the database itself, as far as nobody reads them at the moment."""
    # Writers wait as long as it waits for readers.
    with closing(sqlite3.connect(file, timeout=1.0)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))


def _refuse_nul(
    _connection: object, _cursor: object, statement: str, values: Any, _context: object, _: object
) -> None:
    # PostgreSQL stores no text with a NUL, so that nobody is to rely on SQLite, which does.
    for row in values if isinstance(values, list) else [values]:
        if any(isinstance(value, str) and "\0" in value for value in row):
            raise DataError(statement, None, ValueError("a text holds a NUL"))
