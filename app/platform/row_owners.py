"""Whose a row is that has an id of its own: jobs act for the workspace of their row."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from sqlalchemy import select

from app.platform.access import acting, in_workspace
from app.platform.database import Database
from app.tables import (
    DatasetRow,
    EvaluationRow,
    ExtractionBatchRow,
    ExtractionShardRow,
    FineTuneRow,
    NotificationAttemptRow,
    TrainingFileRow,
    VocabularyRow,
)

ActingFor = Callable[[str], AbstractAsyncContextManager[None]]
"""A block in which one acts for the workspace of the row of this id."""

_TABLES: Mapping[str, Any] = {
    "ds": DatasetRow,
    "tf": TrainingFileRow,
    "voc": VocabularyRow,
    "ft": FineTuneRow,
    "ev": EvaluationRow,
    "bat": ExtractionBatchRow,
    "shd": ExtractionShardRow,
    "att": NotificationAttemptRow,
}
_NOBODYS = ""  # the workspace of rows that are gone: nothing is there


def row_owners(database: Database) -> ActingFor:
    """Looks each row up in this database."""

    @asynccontextmanager
    async def acting_for(row_id: str) -> AsyncIterator[None]:
        table = _TABLES[row_id.partition("_")[0]]
        async with database.transaction(write=False) as session:
            workspace = await session.scalar(select(table.workspace).where(table.id == row_id))
        with acting(in_workspace(_NOBODYS if workspace is None else workspace)):
            yield

    return acting_for
