"""The databases: nobody waits in vain, and on SQLite writers wait for one another."""

import asyncio
from pathlib import Path

from sqlalchemy import text

from app.platform.database import Database
from app.platform.settings import Settings

WRITERS = 12


async def test_writers_that_read_first_wait_for_one_another(tmp_path: Path) -> None:
    """Each reads a number and writes the next: none fails, and none overwrites another's.

    Neither in one process nor in two, each of which has its own. On SQLite alone: PostgreSQL has
    many writers, and who reads first there locks what it reads.
    """
    database, other = (Database(f"sqlite+aiosqlite:///{tmp_path}/x.db") for _ in range(2))
    async with database.transaction(write=True) as session:
        await session.execute(text("CREATE TABLE counter (n INTEGER)"))
        await session.execute(text("INSERT INTO counter VALUES (0)"))

    async def count(database: Database) -> None:
        async with database.transaction(write=True) as session:
            n = await session.scalar(text("SELECT n FROM counter"))
            await asyncio.sleep(0.01)
            await session.execute(text("UPDATE counter SET n = :n"), {"n": n + 1})

    await asyncio.gather(*(count(each) for each in [database, other] * (WRITERS // 2)))
    async with database.transaction(write=False) as session:
        assert await session.scalar(text("SELECT n FROM counter")) == WRITERS
    await database.close()
    await other.close()


async def test_a_reader_does_not_wait_for_a_writer(settings: Settings) -> None:
    """While one writes, others read what was there before."""
    database = Database(settings.sqlalchemy_url)
    async with database.transaction(write=True) as session:
        await session.execute(text("CREATE TABLE counter (n INTEGER)"))
    async with database.transaction(write=True) as writer:
        await writer.execute(text("INSERT INTO counter VALUES (1)"))
        async with asyncio.timeout(10), database.transaction(write=False) as reader:
            assert await reader.scalar(text("SELECT count(*) FROM counter")) == 0
    async with database.transaction(write=False) as reader:
        assert await reader.scalar(text("SELECT count(*) FROM counter")) == 1
    await database.close()


async def test_a_reader_sees_all_as_it_was_at_its_first_look(settings: Settings) -> None:
    """What another one deletes meanwhile is there for it to the end, and not in halves."""
    database = Database(settings.sqlalchemy_url)
    async with database.transaction(write=True) as session:
        for table in ("things", "parts"):
            await session.execute(text(f"CREATE TABLE {table} (n INTEGER)"))
            await session.execute(text(f"INSERT INTO {table} VALUES (1)"))
    async with database.transaction(write=False) as reader:
        assert await reader.scalar(text("SELECT count(*) FROM things")) == 1
        async with database.transaction(write=True) as writer:
            await writer.execute(text("DELETE FROM things"))
            await writer.execute(text("DELETE FROM parts"))
        assert await reader.scalar(text("SELECT count(*) FROM parts")) == 1
    async with database.transaction(write=False) as reader:
        assert await reader.scalar(text("SELECT count(*) FROM parts")) == 0
    await database.close()


async def test_who_writes_sees_what_others_have_written_meanwhile(settings: Settings) -> None:
    """Of two that lock the same row on PostgreSQL the second goes on with what the first left, and
    is not refused; on SQLite it has begun only then."""
    database = Database(settings.sqlalchemy_url)
    async with database.transaction(write=True) as session:
        await session.execute(text("CREATE TABLE counter (n INTEGER)"))
        await session.execute(text("INSERT INTO counter VALUES (0)"))
    suffix = "" if database.is_sqlite else " FOR UPDATE"

    async def count() -> None:
        async with database.transaction(write=True) as session:
            n = await session.scalar(text(f"SELECT n FROM counter{suffix}"))
            await asyncio.sleep(0.01)
            await session.execute(text("UPDATE counter SET n = :n"), {"n": n + 1})

    await asyncio.gather(*(count() for _ in range(WRITERS)))
    async with database.transaction(write=False) as session:
        assert await session.scalar(text("SELECT n FROM counter")) == WRITERS
    await database.close()
