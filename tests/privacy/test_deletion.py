"""What is deleted is gone: from rows, from files, and from the pages of the databases."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.main import create_app
from app.platform.settings import Settings
from tests.api.conftest import running
from tests.keys.keyed import ADMIN_KEY, keyed
from tests.notifications.conftest import receiver
from tests.postgres import Postgres
from tests.privacy.deleting import CASES, Case, World, prepare
from tests.workspaces.routes import Call, calls

OPENAPI = Path(__file__).parents[1] / "api" / "openapi.json"
_TIDY_SECONDS = 30


def ways(every: list[Call]) -> set[tuple[str, str, bool]]:
    """(method, path, cascade) of all ways to delete or revoke; pages call the same."""
    paths = json.loads(OPENAPI.read_text("utf-8"))["paths"]
    found = set()
    for call in every:
        if not call.path.startswith(("/v1/", "/cohere/")):
            continue
        if call.method == "DELETE" or call.path.endswith("/revoke"):
            operation = paths.get(call.path, {}).get(call.method.lower(), {})
            names = {each["name"] for each in operation.get("parameters", ())}
            found |= {(call.method, call.path, each) for each in {False, "cascade" in names}}
    return found


def test_each_way_to_delete_is_tried(tmp_path: Path) -> None:
    """A new one has to be told how what it deletes is made."""
    every = ways(calls(create_app(Settings(data_dir=tmp_path, _env_file=None))))
    assert every == {(case.method, case.path, case.cascade) for case in CASES}


async def tried(here: World, case: Case) -> list[str]:
    """Make what the case deletes, and delete it: what is left of it, in words."""
    here.doing, here.own, here.before = str(case), set(), here.stored()
    path = await case.make(here)
    assert here.own & set(here.columns()) or not here.own, case  # what is looked for is there
    query = {"cascade": "true"} if case.cascade else {}
    answer = await here.client.request(case.method, path, params=query)
    assert answer.is_success, f"{case}: {answer.text}"
    left = {
        f"{place} in {column}"
        for place, columns in here.columns().items()
        if place in here.own or place in here.secrets.values()
        for column in columns - case.stays
    }
    with suppress(TimeoutError):  # a job tidies up after its end
        async with asyncio.timeout(_TIDY_SECONDS):
            while files := {str(path) for path in here.stored() - here.before}:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    return [f"{case}: {each}" for each in left | files]


def no_autovacuum(url: str) -> None:
    """What a busy server does by itself: tidy up, or keep samples of columns, at some moment."""
    with connected(url) as connection:
        tables = connection.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
            "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for (table,) in tables:
            connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")


def table_files(server: Postgres, url: str) -> list[Path]:
    """The files of a database, rewritten as an operator would to leave nothing in them."""
    with connected(url) as connection:
        connection.execute("VACUUM FULL")
        connection.execute("CHECKPOINT")
        query = "SELECT oid FROM pg_database WHERE datname = current_database()"
        [(oid,)] = connection.execute(query).fetchall()
    return all_files(server.folder / "data" / "base" / str(oid))


def all_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def connected(url: str) -> "psycopg.Connection[Any]":
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


async def test_what_is_deleted_is_gone(
    tmp_path: Path, settings: Settings, request: pytest.FixtureRequest
) -> None:
    """After each way to delete: from the rows and the files. In the end: from all bytes stored."""
    settings = keyed(settings.model_copy(update={"notify_private": True}))
    found: list[str] = []
    with receiver() as hook:
        async with running(settings) as client:
            client.headers["Authorization"] = f"Bearer {ADMIN_KEY}"
            if settings.database_url is not None:
                no_autovacuum(settings.database_url)
            here = World(client, hook.address, tmp_path, settings.database_url)
            nothing = here.stored()
            await prepare(here)
            for case in CASES:
                found += await tried(here, case)
            answer = await client.delete(f"/v1/datasets/{here.dataset}?cascade=true")
            assert answer.is_success, answer.text
            found += [f"all: {path}" for path in here.stored() ^ nothing]
            stay = set(here.columns())
    files = all_files(tmp_path)
    if settings.database_url is not None:
        files += table_files(request.getfixturevalue("postgres"), settings.database_url)
    for path in files:
        found += [f"{place} in {path}" for place in here.found(path.read_bytes()) - stay]
    assert not found, "\n".join(sorted(found))
