"""Several processes run jobs on one PostgreSQL, and die, freeze and leave as processes do."""

import signal
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from app.platform.database import Database
from app.platform.queues import Queue, chosen
from app.tables import WorkerRow
from tests.platform.waiting import until
from tests.platform.worker_process import Orders, create
from tests.postgres import Postgres

START_SECONDS = 120


@dataclass
class Crew:
    """Processes on one database and one ledger, and a process (this one) that only starts jobs."""

    orders: Orders
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def ledger(self) -> Path:
        return Path(self.orders.ledger)

    def lines(self, *words: str) -> list[list[str]]:
        """What was written so far, of lines that begin so; the last word is who wrote it."""
        lines = [line.split() for line in self.ledger.read_text().splitlines()]
        return [line for line in lines if line[: len(words)] == list(words)]

    async def hire(self, *names: str, **changes: Any) -> None:
        """Start processes, and wait until they take jobs."""
        for name in names:
            command = replace(self.orders, name=name, **changes).command()
            self.processes[name] = subprocess.Popen(command)  # noqa: ASYNC220 - quick
        await until(lambda: set(names) <= set(self.whose("ready")), START_SECONDS)

    def whose(self, *words: str) -> list[str]:
        """Who wrote the lines that begin so."""
        return [line[-1] for line in self.lines(*words)]

    async def start(self, rows: Sequence[str]) -> None:
        jobs = create(self.orders)
        for row in rows:
            with self.ledger.open("a") as file:
                file.write(f"wanted {row} client\n")
            await jobs.start("toy", row)
        await jobs.close()

    def release(self, *rows: str) -> None:
        """Let the work on these rows end."""
        for row in rows:
            self.ledger.with_name(f"{self.ledger.name}.{row}").touch()

    async def have_begun(self, jobs: int) -> None:
        await until(lambda: len(self.lines("begun")) == jobs)

    async def ended(self, rows: Sequence[str]) -> None:
        await until(lambda: {line[1] for line in self.lines("ended")} >= set(rows))


@pytest.fixture
def crew(tmp_path: Path, postgres: Postgres, migrated: str) -> Iterator[Crew]:
    with postgres.database(migrated) as url:
        ledger = tmp_path / "ledger"
        ledger.touch()
        crew = Crew(Orders(url, str(ledger), "client"))
        try:
            yield crew
        finally:
            for process in crew.processes.values():
                process.kill()
                process.wait()


async def test_jobs_of_a_killed_process_go_on_in_the_others(crew: Crew) -> None:
    """Each of the remote things happens once, and each job ends once; three processes look on."""
    await crew.hire("one", "two", "three", queue=(2, None, None))
    rows = [f"row{n}" for n in range(6)]
    await crew.start(rows)
    await until(lambda: len(crew.lines("begun")) == 6)
    lost = {line[1] for line in crew.lines("begun") if line[-1] == "one"}
    crew.processes["one"].kill()
    crew.release(*rows)
    await crew.ended(rows)
    begun = Counter(line[1] for line in crew.lines("begun"))
    assert {row for row, times in begun.items() if times > 1} == lost
    assert len(lost) == 2
    assert Counter(line[1] for line in crew.lines("launched")) == Counter(rows)
    assert Counter(line[1] for line in crew.lines("ended")) == Counter(rows)


async def test_a_process_that_was_only_frozen_harms_nothing(crew: Crew) -> None:
    """Taken for dead, its job has been done by another; awake, it drops it, and works on."""
    await crew.hire("frozen")
    await crew.start(["row"])
    await until(lambda: crew.lines("begun", "row"))
    crew.processes["frozen"].send_signal(signal.SIGSTOP)
    await crew.hire("other")
    await until(lambda: crew.whose("begun", "row") == ["frozen", "other"])
    crew.processes["frozen"].send_signal(signal.SIGCONT)
    # It looks for the end of its work often, and for its own standing now and then.
    await crew.start(["next"])
    crew.release("next")
    await crew.ended(["next"])
    crew.processes["other"].kill()
    await until(lambda: len(crew.whose("begun", "row")) == 3)
    assert crew.whose("begun", "row")[2] == "frozen"
    crew.release("row")
    await crew.ended(["row"])
    assert crew.whose("ended", "row") == ["frozen"]
    assert len(crew.lines("launched", "row")) == 1


async def test_what_was_taken_while_taken_for_dead_is_not_lost(crew: Crew) -> None:
    """Nobody else gives it back: who took it lives again when that is found out."""
    await crew.hire("one", lost_seconds=600)
    await crew.start(["row"])
    await crew.have_begun(1)
    database = Database(crew.orders.url)
    async with database.transaction(write=True) as session:
        await session.execute(delete(WorkerRow))
    await database.close()
    await crew.have_begun(2)
    crew.release("row")
    await crew.ended(["row"])
    assert len(crew.lines("launched", "row")) == 1


async def test_a_process_that_leaves_gives_back_what_it_has_not_done(crew: Crew) -> None:
    """Told to end, it takes no more jobs, gives steps their time, and others go on at once."""
    await crew.hire("leaver", queue=(2, None, None), lost_seconds=600, shutdown_seconds=30)
    await crew.start(["short", "waiting", "long"])
    await until(lambda: len(crew.lines("begun")) == 2)
    crew.processes["leaver"].send_signal(signal.SIGTERM)
    await crew.hire("other", lost_seconds=600)
    await until(lambda: "other" in crew.whose("begun"))
    begun = [line[1] for line in crew.lines("begun") if line[-1] == "leaver"]
    assert crew.processes["leaver"].poll() is None
    crew.release(*begun)
    assert crew.processes["leaver"].wait(START_SECONDS) == 0
    assert [line[1] for line in crew.lines("ended")] == begun or set(begun) == {
        line[1] for line in crew.lines("ended")
    }
    crew.processes["other"].send_signal(signal.SIGTERM)  # has no time to give
    assert crew.processes["other"].wait(START_SECONDS) == 0
    await crew.hire("third", lost_seconds=600)
    rows = {"short", "waiting", "long"}
    await until(lambda: "third" in crew.whose("begun"))
    crew.release(*rows)
    await crew.ended(list(rows))
    assert Counter(line[1] for line in crew.lines("ended")) == Counter(rows)


async def test_told_twice_it_ends_at_once(crew: Crew) -> None:
    """And its job is found by the others, as that of a dead one."""
    await crew.hire("hasty", shutdown_seconds=600)
    await crew.start(["row"])
    await until(lambda: crew.lines("begun", "row"))
    crew.processes["hasty"].send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        crew.processes["hasty"].wait(1)
    crew.processes["hasty"].send_signal(signal.SIGTERM)
    assert crew.processes["hasty"].wait(START_SECONDS) == 128 + signal.SIGTERM
    await crew.hire("other")
    crew.release("row")
    await crew.ended(["row"])
    assert crew.whose("ended", "row") == ["other"]


async def test_limits_hold_over_all_processes(crew: Crew) -> None:
    """Of a queue no more run than may, in one process and in all."""
    await crew.hire("one", "two", queue=(2, 3, None))
    rows = [f"row{n}" for n in range(7)]
    await crew.start(rows)
    for ended in range(7):
        await crew.have_begun(min(7, ended + 3))
        open_rows = {line[1] for line in crew.lines("begun")} - {
            line[1] for line in crew.lines("ended")
        }
        crew.release(min(open_rows))
        await crew.ended([min(open_rows)])
    now: Counter[str] = Counter()
    most: Counter[str] = Counter()
    for word, _, who in crew.lines():
        change = {"begun": 1, "ended": -1}.get(word, 0)
        for each in (who, "all"):
            now[each] += change
            most[each] = max(most[each], now[each])
    assert (most["one"], most["two"], most["all"]) in {(2, 1, 3), (1, 2, 3), (2, 2, 3)}


async def test_a_rate_holds_over_all_processes(crew: Crew) -> None:
    """No more jobs begin within a minute than may, whoever begins them."""
    await crew.hire("one", "two", queue=(8, None, 5))
    rows = [f"row{n}" for n in range(12)]
    crew.release(*rows)
    await crew.start(rows)
    await until(lambda: len(crew.lines("ended")) == 5)
    with pytest.raises(TimeoutError):
        await until(lambda: len(crew.lines("step")) > 5, seconds=3)


async def test_jobs_of_steps_that_are_no_more_begin_anew(crew: Crew) -> None:
    """While someone can run the old steps they are left alone; then the row is begun with ours."""
    crew.ledger.write_text("wanted row client\n")
    await crew.hire("old", steps="0")
    await until(lambda: crew.lines("begun", "row"))  # its sweep has found the row
    await crew.hire("new")
    with pytest.raises(TimeoutError):
        await until(lambda: len(crew.lines("begun", "row")) > 1, seconds=4)
    crew.processes["old"].kill()
    await until(lambda: len(crew.lines("begun", "row")) == 2, 90)
    crew.release("row")
    await crew.ended(["row"])
    assert crew.whose("ended", "row") == ["new"]
    assert len(crew.lines("launched", "row")) == 1


async def test_queues_are_named_or_grouped() -> None:
    """A worker's queues: by name, by group, all; a name that is neither is told what there is."""
    queues = {name: Queue(1) for name in ("short", "train-local", "train-cohere", "extract-local")}
    assert chosen([], queues) == list(queues)
    assert chosen(["train"], queues) == ["train-local", "train-cohere"]
    assert chosen(["extract-local", "short"], queues) == ["short", "extract-local"]
    with pytest.raises(ValueError, match="extract, extract-local, short, train,"):
        chosen(["trian"], queues)
