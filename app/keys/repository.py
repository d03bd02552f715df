"""Rows of keys, console sessions and the audit log."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.tables import ApiKeyRow, AuditEventRow, ConsoleSessionRow


class KeyRepository:
    """Reads and writes rows in the session's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def any(self) -> bool:
        """Whether there has ever been a key: those that were revoked count, too."""
        return bool(await self._session.scalar(select(exists(select(ApiKeyRow.id)))))

    async def get(self, key_id: str, *, lock: bool = False) -> ApiKeyRow | None:
        """One key."""
        return await self._session.get(
            ApiKeyRow, key_id, with_for_update=lock or None, populate_existing=lock
        )

    async def page(self, after: str | None, limit: int) -> Sequence[ApiKeyRow]:
        """Keys, newest first."""
        query = select(ApiKeyRow).order_by(ApiKeyRow.id.desc()).limit(limit)
        if after is not None:
            query = query.where(ApiKeyRow.id < after)
        return (await self._session.scalars(query)).all()

    async def add(self, row: ApiKeyRow | ConsoleSessionRow) -> None:
        """Insert a row."""
        self._session.add(row)
        await self._session.flush()

    async def used(self, key_id: str, at: datetime) -> None:
        """Note when a key was used last."""
        row = await self.get(key_id, lock=True)
        if row is not None and (row.last_used_at is None or row.last_used_at < at):
            row.last_used_at = at

    async def session_of(self, token_hash: str) -> ConsoleSessionRow | None:
        """The login whose token has this hash."""
        return await self._session.get(ConsoleSessionRow, token_hash)

    async def forget_session(self, token_hash: str) -> None:
        """Remove a login. Safe to repeat."""
        query = delete(ConsoleSessionRow).where(ConsoleSessionRow.hash == token_hash)
        await self._session.execute(query)

    async def audited(self, after: str | None, limit: int) -> Sequence[AuditEventRow]:
        """The audit log, newest first."""
        query = select(AuditEventRow).order_by(AuditEventRow.id.desc()).limit(limit)
        if after is not None:
            query = query.where(AuditEventRow.id < after)
        return (await self._session.scalars(query)).all()
