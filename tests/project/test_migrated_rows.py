"""Rows outlive the migrations: those of a release that knew neither workspaces nor keys."""

from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, DateTime, MetaData, func, insert, select
from sqlalchemy.types import Boolean, Date, Float, Integer, Numeric

from app.platform.clock import now
from app.platform.database import Database, alembic_config
from app.platform.settings import Settings

_OLD = "0005"


async def test_rows_of_before_workspaces_survive_up_and_down(settings: Settings) -> None:
    """One in each table, each referring to the one of its parent: none goes with another."""
    newest_first = [
        script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()
    ]
    database = Database(settings.sqlalchemy_url)
    try:
        if not database.is_sqlite:
            await database.migrate("base")
        await database.migrate(_OLD)
        before = await _run(database, _fill, write=True)
        assert set(before.values()) == {1}
        await database.migrate()
        after = await _run(database, _count)
        assert {name: after[name] for name in before} == before
        assert set((await _run(database, _workspaces)).values()) == {"default"}
        await database.migrate(f"-{newest_first.index(_OLD)}")
        assert await _run(database, _count) == before
    finally:
        await database.close()


async def _run(database: Database, what: Any, *, write: bool = False) -> dict[str, Any]:
    async with database.transaction(write=write) as session:
        found: dict[str, Any] = await (await session.connection()).run_sync(what)
        return found


def _tables(connection: Connection) -> MetaData:
    tables = MetaData()
    tables.reflect(connection)
    return tables


def _fill(connection: Connection) -> dict[str, int]:
    for table in _tables(connection).sorted_tables:
        if table.name != "alembic_version":
            row = {column.name: _value(column) for column in table.columns}
            connection.execute(insert(table).values(row))
    return _count(connection)


def _value(column: Column[Any]) -> object:
    """All strings are alike, and so whatever refers to another row refers to the one there is."""
    kind = column.type
    if isinstance(kind, Boolean):
        return True
    if isinstance(kind, Integer | Float | Numeric):
        return 1
    if isinstance(kind, DateTime):
        return now()
    if isinstance(kind, Date):
        return now().date()
    return {} if kind.__visit_name__.upper() in ("JSON", "JSONB") else "x"


def _count(connection: Connection) -> dict[str, int]:
    return {
        name: connection.scalar(select(func.count()).select_from(table)) or 0
        for name, table in _tables(connection).tables.items()
        if name != "alembic_version"
    }


def _workspaces(connection: Connection) -> dict[str, str | None]:
    return {
        name: connection.scalar(select(table.c.workspace))
        for name, table in _tables(connection).tables.items()
        if "workspace" in table.c and name not in ("api_keys", "audit_events")
    }
