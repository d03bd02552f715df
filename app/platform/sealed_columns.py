"""The sealed columns of all tables, counted by key and sealed anew, some rows at a time.

Each page of rows is one transaction, in which no other one changes them.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

from sqlalchemy import JSON, Column, Row, String, Table, and_, select, tuple_, type_coerce, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.platform.database import Database
from app.platform.encryption import ColumnCipher
from app.platform.errors import ApiError
from app.platform.sealed_files import Resealed
from app.platform.sealing import Keyring, key_of_text
from app.tables import SealedJson, SealedText, text_of
from app.tables import Table as Base

_PAGE = 200

Sealed = SealedJson | SealedText


class SealedColumns:
    """Of one database, whose cipher is of this keyring."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._first = keyring.ids[0]
        self._cipher = ColumnCipher(keyring)

    async def count(self) -> Counter[str | None]:
        """How many values are sealed with each key; None stands for plain."""
        counted: Counter[str | None] = Counter()
        for table, columns in _tables():
            async for _, rows in self._pages(table, columns, write=False):
                for row in rows:
                    values = row[len(table.primary_key) :]
                    counted.update(_key(value) for value in values if value is not None)
        return counted

    async def reseal(self, *, plain_only: bool) -> Resealed:
        """As `SealedFiles.reseal`; a damaged value is told by table, column and row."""
        done = Resealed()
        for table, columns in _tables():
            async for session, rows in self._pages(table, columns, write=True):
                for row in rows:
                    await self._reseal(session, table, columns, row, done, plain_only)
        return done

    async def _reseal(
        self,
        session: AsyncSession,
        table: Table,
        columns: Sequence[Column[Any]],
        row: Row[Any],
        done: Resealed,
        plain_only: bool,
    ) -> None:
        key_columns = list(table.primary_key)
        changed: dict[str, Any] = {}
        for column, stored in zip(columns, row[len(key_columns) :], strict=True):
            if stored is None or (key := _key(stored)) == self._first:
                continue
            if plain_only and key is not None:
                continue
            try:
                changed[column.name] = cast(Sealed, column.type).opened(stored, self._cipher)
            except ApiError:
                row_key = ", ".join(str(each) for each in row[: len(key_columns)])
                done.damaged.append(f"{column}, row {row_key}")
        if changed:
            here = and_(*(column == row[at] for at, column in enumerate(key_columns)))
            await session.execute(update(table).where(here).values(changed))
            done.sealed += len(changed)

    async def _pages(
        self, table: Table, columns: Sequence[Column[Any]], *, write: bool
    ) -> AsyncIterator[tuple[AsyncSession, Sequence[Row[Any]]]]:
        """Pages of (primary key, columns as they are stored), in order of the key."""
        key = list(table.primary_key)
        raw = [type_coerce(column, _stored_as(column)).label(column.name) for column in columns]
        last: tuple[Any, ...] | None = None
        while True:
            query = select(*key, *raw).order_by(*key).limit(_PAGE)
            if last is not None:
                query = query.where(tuple_(*key) > last)
            if write:
                query = query.with_for_update()
            async with self._database.transaction(write=write) as session:
                rows = (await session.execute(query)).all()
                yield session, rows
            if len(rows) < _PAGE:
                return
            last = tuple(rows[-1][: len(key)])


def _tables() -> list[tuple[Table, list[Column[Any]]]]:
    found = []
    for table in Base.metadata.sorted_tables:
        columns = [c for c in table.columns if isinstance(c.type, Sealed)]
        if columns:
            found.append((table, columns))
    return found


def _stored_as(column: Column[Any]) -> JSON | String:
    return JSON() if isinstance(column.type, SealedJson) else String()


def _key(stored: object) -> str | None:
    text = text_of(stored)
    return None if text is None else key_of_text(text)
