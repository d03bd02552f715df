"""What a database says of a row is neither logged nor stored: not if a job breaks of it, not if the
job waits.

SQLAlchemy's exceptions carry the statement, its values and what the driver said, and PostgreSQL
says the whole row. Each is raised with and without `hide_parameters`: without, it shows all of it.
"""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import (
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.platform import jobs as engine
from app.platform import steps
from app.platform.database import AWAY
from app.platform.job_kinds import JobKind
from app.platform.jobs import Jobs
from app.platform.logs import configure_logs
from app.platform.queues import Queue
from app.platform.settings import Settings
from tests.acting import acting_for_anybody
from tests.platform.conftest import logs_restored
from tests.platform.test_jobs import Ledger, stored
from tests.platform.waiting import until
from tests.privacy.marks import Marks

__all__ = ["logs_restored"]

_PAUSE_SECONDS = 0.01
Statement = Callable[[Connection, str], object]


def twice(connection: Connection, word: str) -> None:
    """A row that is there already; what refuses it has a note, too."""
    connection.execute(text("CREATE TEMPORARY TABLE things (name text UNIQUE)"))
    for _ in range(2):
        connection.execute(text("INSERT INTO things VALUES (:word)"), {"word": word})


def raising(code: str) -> Statement:
    """PostgreSQL's exception of this code, with all it can say."""
    said = "MESSAGE = '{0}', DETAIL = '{0}', HINT = '{0}', COLUMN = '{0}'"
    block = f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{code}', {said}; END $$"
    return lambda connection, word: connection.exec_driver_sql(block.format(word))


ON_BOTH: dict[type[SQLAlchemyError], Statement] = {
    IntegrityError: twice,
    StatementError: lambda c, word: c.execute(text("SELECT :word, :other"), {"word": word}),
}
ON_SQLITE: dict[type[SQLAlchemyError], Statement] = {
    ProgrammingError: lambda c, word: c.exec_driver_sql(f"SELECT ? AS {word}", (word, word)),
    OperationalError: lambda c, word: c.execute(text(f"SELECT :word, {word}"), {"word": word}),
}
ON_POSTGRES: dict[type[SQLAlchemyError], Statement] = {
    DataError: lambda c, word: c.execute(text("SELECT CAST(:word AS int)"), {"word": word}),
    ProgrammingError: lambda c, word: c.execute(text(f"SELECT :word, {word}"), {"word": word}),
    InternalError: raising("XX001"),
    NotSupportedError: raising("0A000"),
    OperationalError: raising("53100"),  # the disk is full
}


def raised(url: str, word: str, *, hidden: bool) -> Iterator[SQLAlchemyError]:
    """Those the database raises about the word, and those that it seldom raises, made here."""
    statements = ON_BOTH | (ON_SQLITE if url == "sqlite://" else ON_POSTGRES)
    database = create_engine(url, hide_parameters=hidden)
    for kind, statement in statements.items():
        with pytest.raises(kind) as found, database.connect() as connection:
            statement(connection, word)
        assert type(found.value) is kind
        yield found.value
    database.dispose()
    for made in (DataError, InterfaceError, OperationalError):
        yield made(f"SELECT {word}", {word: word}, ValueError(word), hide_parameters=hidden)
    yield PoolTimeoutError(word)


@pytest.mark.usefixtures("logs_restored")
@pytest.mark.asyncio(loop_scope="function")
async def test_nothing_of_a_row_is_logged_or_stored(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither of a job that breaks, nor of one whose step is repeated once the database is there
    again, or after it was given back."""
    monkeypatch.setattr(steps, "_PAUSE_SECONDS", _PAUSE_SECONDS)
    monkeypatch.setattr(engine, "_HOUSEKEEPING_SECONDS", 0.5)
    configure_logs("DEBUG")
    marks = Marks()
    word = marks.text("a row")
    url = settings.jobs_url if settings.database_url else "sqlite://"
    found = [error for hidden in (True, False) for error in raised(url, word, hidden=hidden)]
    for error in found:
        assert marks.found(str(error) + repr(vars(error)))
        error.add_note(word)
    breaking = {f"broken_{n}": e for n, e in enumerate(found) if not isinstance(e, AWAY)}
    # Patience is for two attempts: some rows need as many, the others one more.
    away = {f"away_{n}": e for n, e in enumerate(found) if isinstance(e, AWAY)}
    waiting = {f"{row}_{times}": e for row, e in away.items() for times in (1, 2)}
    rows, attempts, done = breaking | waiting, Counter[str](), list[str]()

    async def step(row: str) -> None:
        attempts[row] += 1
        if row in breaking or attempts[row] <= int(row[-1]):
            raise rows[row] from KeyError(word)
        done.append(row)

    ledger = Ledger()
    jobs = Jobs(
        settings.jobs_url,
        queues={"short": Queue(4)},
        acting_for=acting_for_anybody,
        patience_seconds=_PAUSE_SECONDS,
    )
    jobs.define(JobKind("asking", "short", [step], ledger.fail, ledger.none))
    await jobs.open()
    for row in rows:
        await jobs.start("asking", row)
    await until(lambda: len(ledger.failed) + len(done) == len(rows))
    await jobs.close()
    said = capsys.readouterr()
    assert Counter(done) == Counter(waiting.keys())
    assert {row for row, _, _ in ledger.failed} == breaking.keys()
    assert said.err.count('"job_step_broke"') == len(breaking)
    assert said.err.count('"job_waits"') == len(waiting)
    assert said.err.count('"job_given_up"') == len(away)
    assert not marks.found(said.err + said.out)
    assert not marks.found(repr(ledger.failed))
    kept = stored(settings)
    assert not marks.found(kept)
    assert all(row.encode() in kept for row in rows)
