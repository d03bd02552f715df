"""Whoever deletes a thing, and whoever changes what was built from it, never wait for each other.

PostgreSQL alone locks rows.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Float,
    Integer,
    String,
    delete,
    insert,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.platform.database import Database
from app.platform.row_locks import locked
from app.tables import (
    DatasetRow,
    EvaluationRow,
    ExtractionBatchRow,
    FineTuneRow,
    ModelRow,
    Table,
    TrainingFileRow,
)
from app.tables.base import UtcDateTime
from app.tables.sealed import SealedJson, SealedText
from tests.postgres import Postgres

# From a source to what is built from it.
BUILT: list[tuple[Any, str, Any]] = [
    (DatasetRow, "dataset_id", TrainingFileRow),
    (DatasetRow, "dataset_id", EvaluationRow),
    (DatasetRow, "dataset_id", ExtractionBatchRow),
    (TrainingFileRow, "training_file_id", FineTuneRow),
    (FineTuneRow, "fine_tune_id", ModelRow),
]
VALUES: dict[type, object] = {
    **dict.fromkeys((String, SealedText), "x"),
    JSON: {},
    SealedJson: {},
    **dict.fromkeys((Integer, BigInteger, Float), 1),
    Boolean: True,
    UtcDateTime: datetime.now(UTC),
}
# Whoever would wait for the other one here would do so for ever.
PATIENCE = text("SET LOCAL lock_timeout = '10s'")


def whole(table: type[Table], **given: object) -> dict[str, object]:
    """A row with something in each column that has to have it."""
    columns = table.__table__.columns
    needed = [column for column in columns if not (column.nullable or column.default)]
    return {column.name: VALUES[type(column.type)] for column in needed} | given


@pytest.fixture
async def database(postgres: Postgres, migrated: str) -> AsyncIterator[Database]:
    """One of each thing, each called by its table."""
    with postgres.database(migrated) as url:
        database = Database(url)
        async with database.transaction(write=True, workspace="w") as session:
            await add(session, DatasetRow)
            for source, column, table in BUILT:
                await add(session, table, **{column: source.__tablename__})
        yield database
        await database.close()


async def add(session: AsyncSession, table: Any, **given: object) -> None:
    """A row called by its table, if it is given no id."""
    row = whole(table, id=table.__tablename__, workspace="w") | given
    await session.execute(insert(table), [row])


@pytest.mark.parametrize(("source", "column", "table"), BUILT)
async def test_a_change_does_not_wait_for_a_deletion_of_its_source(
    database: Database, source: type[Table], column: str, table: Any
) -> None:
    """Which has the lock, and is about to ask for this one's."""
    async with (
        database.transaction(write=True) as deleting,
        database.transaction(write=True) as changing,
    ):
        await changing.execute(PATIENCE)
        assert await locked(deleting, source, source.__tablename__)
        assert await locked(changing, table, table.__tablename__)
        for workspace in ("once", "twice"):
            await changing.execute(update(table).values(workspace=workspace))


async def test_a_deletion_is_refused_if_something_is_built_meanwhile(database: Database) -> None:
    """It waits until that is known."""
    name = DatasetRow.__tablename__
    async with database.transaction(write=True) as session:
        for _, _, table in reversed(BUILT):
            await session.execute(delete(table))
    async with database.transaction(write=True) as deleting:
        assert await locked(deleting, DatasetRow, name)
        async with database.transaction(write=True) as building:
            await building.execute(PATIENCE)
            await add(building, TrainingFileRow, dataset_id=name)
            gone = asyncio.create_task(deleting.execute(delete(DatasetRow)))
            await asyncio.sleep(0.2)
            assert not gone.done()
        with pytest.raises(IntegrityError):
            await gone
        await deleting.rollback()
