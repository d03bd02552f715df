"""Many transactions at once: each waits for its turn, and none for longer than it has to."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import text

from app.platform import database as module
from app.platform import engines
from app.platform.database import AWAY, Database
from app.platform.settings import Settings

HELD_SECONDS = 0.6


@pytest_asyncio.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings.sqlalchemy_url)
    await database.migrate()
    yield database
    await database.close()


async def held(database: Database, *, write: bool = False, seconds: float = HELD_SECONDS) -> None:
    async with database.transaction(write=write) as session:
        await session.execute(text("SELECT 1"))
        await asyncio.sleep(seconds)


async def test_more_at_once_than_there_are_connections(database: Database) -> None:
    """Those that wait are not told that the database is away: it is there, and busy.

    The last ones have waited longer than a connection is waited for.
    """
    assert 5 * HELD_SECONDS > engines.PATIENCE_SECONDS + HELD_SECONDS
    await asyncio.gather(*(held(database) for _ in range(5 * engines.MOST_CONNECTIONS)))


async def test_writers_of_sqlite_come_in_turn_and_keep_no_reader_waiting(
    database: Database,
) -> None:
    """There are fewer connections than writers."""
    if not database.is_sqlite:
        pytest.skip("only SQLite has one writer at a time")
    done: list[int] = []

    async def write(number: int) -> None:
        await held(database, write=True, seconds=0.01)
        done.append(number)

    writers = [asyncio.create_task(write(number)) for number in range(40)]
    await asyncio.sleep(0)
    await held(database, seconds=0)
    assert len(done) < len(writers)
    await asyncio.gather(*writers)
    assert done == sorted(done)


async def test_a_turn_is_not_waited_for_without_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And who gives up takes no turn away."""
    monkeypatch.setattr(module, "_LONGEST_TURN_SECONDS", 0.1)
    turns = 1 if database.is_sqlite else engines.MOST_CONNECTIONS
    first = [asyncio.create_task(held(database, write=True)) for _ in range(turns)]
    await asyncio.sleep(0)
    with pytest.raises(AWAY):
        await held(database, write=True)
    await asyncio.gather(*first)
    await held(database, write=True, seconds=0)
