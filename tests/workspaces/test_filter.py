"""The filter of the session: a transaction of a workspace is of that one alone."""

import ast
import asyncio
import contextvars
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import (
    Executable,
    case,
    delete,
    exists,
    func,
    insert,
    select,
    union,
    union_all,
    update,
)
from sqlalchemy.exc import StatementError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.backends.registry import Backends
from app.parts import create_platform
from app.platform.access import EVERYWHERE, LOCAL, NobodyError, acting, in_workspace
from app.platform.clock import now
from app.platform.database import ALL_WORKSPACES, Database
from app.platform.settings import Settings
from app.tables import DatasetRow, DatasetSplitRow, Owned, Table

_D, _S = DatasetRow, DatasetSplitRow
_A = aliased(_D)
_OF_SUBQUERY = aliased(_D, select(_D).subquery())
_SUBQUERY, _CTE = select(_D.id).subquery(), select(_D.id).cte()
_THEIRS = _D.id == "ds_theirs"
_APP = Path(__file__).resolve().parents[2] / "app"


@pytest_asyncio.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """A dataset with one split in each of two workspaces."""
    database = Database(settings.sqlalchemy_url)
    if database.is_sqlite:
        await database.migrate()
    for workspace in ("ours", "theirs"):
        async with database.transaction(write=True, workspace=workspace) as session:
            await _add(session, workspace)
    yield database
    await database.close()


async def _add(session: AsyncSession, name: str) -> None:
    session.add(_D(id=f"ds_{name}", name=name, status="ready", created_at=now()))
    await session.flush()
    more: dict[str, Any] = {"mentions": {}, "relations": 0, "characters": 1}
    row = _S(dataset_id=f"ds_{name}", name=name, position=0, blob=name, documents=1, **more)
    session.add(row)
    await session.flush()


QUERIES: Mapping[str, tuple[Executable, list[tuple[Any, ...]]]] = {
    "one column": (select(_D.id), [("ds_ours",)]),
    "by id": (select(_D.id).where(_THEIRS), []),
    "locked": (select(_D.id).with_for_update(), [("ds_ours",)]),
    "aliased": (select(_A.id), [("ds_ours",)]),
    "aliased subquery": (select(_OF_SUBQUERY.id), [("ds_ours",)]),
    "subquery": (select(_SUBQUERY.c.id), [("ds_ours",)]),
    "common table expression": (select(_CTE.c.id), [("ds_ours",)]),
    "count": (select(func.count()).select_from(_D), [(1,)]),
    "count by a condition": (
        select(func.count()).where(_D.status == "ready"),
        [(1,)],
    ),
    "greatest": (select(func.max(_D.id)), [("ds_ours",)]),
    "constant": (select(func.count(1)).where(_THEIRS), [(0,)]),
    "case": (select(case((_D.status == "ready", 1), else_=0)), [(1,)]),
    "groups": (select(_D.status, func.count()).group_by(_D.status), [("ready", 1)]),
    "exists": (select(exists(select(_D.id).where(_THEIRS))), [(False,)]),
    "exists, without a select": (select(exists().where(_THEIRS)), [(False,)]),
    "exists in a condition": (select(_D.id).where(exists().where(_S.name == "theirs")), []),
    "join": (select(_D.id, _S.name).join(_S, _S.dataset_id != _D.id), []),
    "outer join": (
        select(_D.id, _S.name).outerjoin(_S, _S.dataset_id != _D.id),
        [("ds_ours", None)],
    ),
    "join without a word": (select(_D.id).where(_S.dataset_id != _D.id), []),
    "in a subquery": (select(_S.name).where(_S.dataset_id.in_(select(_D.id))), [("ours",)]),
    "scalar subquery": (select(select(func.max(_S.name)).scalar_subquery()), [("ours",)]),
    "correlated": (
        select(_D.id, select(func.count()).where(_S.dataset_id == _D.id).scalar_subquery()),
        [("ds_ours", 1)],
    ),
    "union": (union(select(_D.name), select(_S.name)), [("ours",)]),
    "union of all": (union_all(select(_D.name), select(_A.name)), [("ours",), ("ours",)]),
    "rows of a union": (
        select(_D.id).from_statement(union(select(_D.id), select(_D.id))),
        [("ds_ours",)],
    ),
}


@pytest.mark.parametrize("name", QUERIES)
async def test_a_query_finds_what_is_of_the_workspace(database: Database, name: str) -> None:
    query, expected = QUERIES[name]
    async with database.transaction(write=name == "locked", workspace="ours") as session:
        assert [tuple(row) for row in await session.execute(query)] == expected


async def test_rows_are_got_by_id_in_their_workspace(database: Database) -> None:
    async with database.transaction(write=True, workspace="ours") as session:
        for lock in (False, True):
            more: Any = {"with_for_update": lock or None, "populate_existing": lock}
            assert await session.get(_D, "ds_theirs", **more) is None
            assert await session.get(_D, "ds_ours", **more) is not None
            assert await session.get(_S, ("ds_theirs", "theirs"), **more) is None


CHANGES: Mapping[str, Executable] = {
    "update": update(_D).values(name="changed"),
    "update one": update(_D).where(_THEIRS).values(name="changed"),
    "update by a subquery": update(_D)
    .where(_D.id.in_(select(_S.dataset_id)))
    .values(name="changed"),
    "delete": delete(_S),
    "delete one": delete(_D).where(_THEIRS),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_leaves_other_workspaces_alone(database: Database, name: str) -> None:
    async with database.transaction(write=True, workspace="ours") as session:
        await session.execute(CHANGES[name])
    async with database.transaction(write=False, workspace="theirs") as session:
        assert (await session.scalars(select(_D.name))).all() == ["theirs"]
        assert (await session.scalars(select(_S.name))).all() == ["theirs"]


async def test_rows_are_made_in_the_workspace_of_the_transaction(database: Database) -> None:
    """Those that are added, and those that are inserted many at once."""
    row = {"status": "ready", "errors": 0, "warnings": 0, "problem_counts": {}, "progress": 0.0}
    async with database.transaction(write=True, workspace="ours") as session:
        rows = [row | {"id": f"ds_{n}", "name": "many", "created_at": now()} for n in range(3)]
        await session.execute(insert(_D), rows)
    async with database.transaction(write=False) as session:
        found = await session.execute(select(_D.id, _D.workspace).order_by(_D.id))
        assert {row.id: row.workspace for row in found} == {
            **dict.fromkeys(("ds_0", "ds_1", "ds_2", "ds_ours"), "ours"),
            "ds_theirs": "theirs",
        }


async def test_without_a_workspace_all_is_seen_and_nothing_made(database: Database) -> None:
    async with database.transaction(write=False) as session:
        assert len((await session.scalars(select(_D.id))).all()) == 2
    with pytest.raises((KeyError, StatementError)):
        async with database.transaction(write=True) as session:
            await _add(session, "nobody's")
    async with database.transaction(write=False, workspace="ours") as session:
        everywhere = select(_D.id).execution_options(**ALL_WORKSPACES)
        assert len((await session.scalars(everywhere)).all()) == 2


async def test_who_acts_for_nobody_gets_no_transaction(
    settings: Settings, database: Database
) -> None:
    """A job of which nobody has said whose it is, for one; and a job of a row that is gone."""
    platform = create_platform(settings, Backends({}))
    async with database.transaction(write=True, workspace=LOCAL.workspace) as session:
        await _add(session, "local")

    async def names() -> list[str]:
        async with platform.work(write=False) as work:
            return list(await work.session.scalars(select(_D.name)))

    async def of_row(row_id: str) -> list[str]:
        async with platform.acting_for(row_id):
            return await names()

    async def apart(looking: Callable[[], Any]) -> Any:
        return await asyncio.create_task(looking(), context=contextvars.Context())

    with pytest.raises(NobodyError):
        await apart(names)
    assert await apart(lambda: of_row("ds_theirs")) == ["theirs"]
    assert await apart(lambda: of_row("ds_gone")) == []
    with acting(in_workspace("ours")):
        assert await names() == ["ours"]
    with acting(LOCAL):
        assert await names() == ["local"]
    with acting(EVERYWHERE):
        assert sorted(await names()) == ["local", "ours", "theirs"]
    await platform.database.close()


def test_every_table_is_somebodys() -> None:
    """But for these, which are the service's own."""
    mapped = {mapper.class_ for mapper in Table.registry.mappers}
    others = {each.__tablename__ for each in mapped if not issubclass(each, Owned)}
    assert others <= {"workers", "console_sessions"}, others


# What the filter does not see: SQL as text, tables without their class, the connection itself.
_BLIND_NAMES = frozenset({"text", "literal_column", "table", "TextClause"})
_BLIND_ATTRIBUTES = frozenset(
    {"__table__", "exec_driver_sql", "from_select", "connection", "get_bind", "sorted_tables"}
)
_MAY: Mapping[str, frozenset[str]] = {
    # A lock, which is no row.
    "platform/work.py": frozenset({"text", "connection"}),
    # The job engine's own database.
    "platform/job_store.py": frozenset({"connection"}),
    # Of all workspaces: how a transaction begins, whether it answers, its schema, values to be
    # sealed anew.
    "platform/engines.py": frozenset({"exec_driver_sql", "connection"}),
    "platform/database.py": frozenset({"text", "connection"}),
    "platform/sealed_columns.py": frozenset({"sorted_tables"}),
}
# Who opens a transaction of no workspace, or looks into all of them.
_SEES_ALL: Mapping[str, frozenset[str]] = {
    "transaction": frozenset(
        {
            "keys/doorkeeper.py",
            "platform/metrics_gathered.py",
            "platform/row_owners.py",
            "platform/sealed_columns.py",
            "platform/work.py",
            "platform/workers.py",
        }
    ),
    "ALL_WORKSPACES": frozenset({"models/repository.py", "platform/database.py"}),
}


def test_nothing_is_asked_past_the_filter() -> None:
    """What it cannot see is not in our programs, but in these places."""
    for path in sorted(_APP.rglob("*.py")):
        name = path.relative_to(_APP).as_posix()
        imported, used = _names(ast.parse(path.read_text()))
        if imported:
            blind = (imported & _BLIND_NAMES) | (used & _BLIND_ATTRIBUTES)
            assert blind <= _MAY.get(name, frozenset()), name
        for what, who in _SEES_ALL.items():
            assert what not in used or name in who, (name, what)


def _names(tree: ast.AST) -> tuple[set[str], set[str]]:
    """What is imported of SQLAlchemy; names and attributes of anything that are used."""
    imported: set[str] = set()
    used: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
            imported |= {each.name for each in node.names}
        elif isinstance(node, ast.Attribute):
            used.add(node.attr)
        elif isinstance(node, ast.Name):
            used.add(node.id)
    return imported, used
