"""The migrations lead from nothing to the schema of `app.tables`, and back."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from app.platform.database import Database, alembic_config
from app.platform.settings import Settings
from app.tables import Table


def table_names(connection: Connection) -> set[str]:
    """All tables of the database."""
    return set(inspect(connection).get_table_names())


def drift(connection: Connection) -> list[Any]:
    """What alembic would have to change to get from the database to `app.tables`."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    differences: list[Any] = compare_metadata(context, Table.metadata)
    return differences


async def test_up_down_and_up_again(settings: Settings) -> None:
    """Head is the schema of the code without a difference; base leaves nothing behind."""
    database = Database(settings.sqlalchemy_url)
    try:
        for _ in range(2):
            await database.migrate()
            async with database.transaction(write=False) as session:
                connection = await session.connection()
                assert await connection.run_sync(table_names) == {
                    *Table.metadata.tables,
                    "alembic_version",
                }
                assert await connection.run_sync(drift) == []
            await database.migrate("base")
            async with database.transaction(write=False) as session:
                connection = await session.connection()
                assert await connection.run_sync(table_names) == {"alembic_version"}
    finally:
        await database.close()


def test_one_line_of_revisions() -> None:
    """There is one head: two branches of migrations would be applied in no certain order."""
    assert len(ScriptDirectory.from_config(alembic_config()).get_heads()) == 1
