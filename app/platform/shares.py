"""How far a job is, stored in its row."""

from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession


async def advance(session: AsyncSession, table: Any, row_id: str, share: float) -> None:
    """Store the share that is done, 0 to 1, unless the job has ended or was further before."""
    behind = table.finished_at.is_(None), table.progress < share
    await session.execute(update(table).where(table.id == row_id, *behind).values(progress=share))
