"""How a row is locked that is to be changed or deleted: one way, so that none waits in a circle."""

from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from app.tables import Table

Row = TypeVar("Row", bound=Table)


async def locked(session: AsyncSession, table: type[Row], row_id: str) -> Row | None:
    """A row as it is now, and no one else changes or deletes it until the transaction ends.

    Rows that refer to it may be written all the same (FOR NO KEY UPDATE): whoever deletes a thing
    locks it, and then what was built from it, while who changes one of these twice in a transaction
    has PostgreSQL look, and wait, for what it refers to. The deletion itself waits for them, and is
    refused if there is a new one.
    """
    no_key_update = {"key_share": True}
    return await session.get(table, row_id, with_for_update=no_key_update, populate_existing=True)
