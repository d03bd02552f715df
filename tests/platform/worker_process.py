"""A process that runs jobs on PostgreSQL and writes what they do into a file all of them share.

    python -m tests.platform.worker_process '{"url": ..., "ledger": ..., ...}'

A job has the steps `launch` (something remote, which must not happen twice: it looks first) and
`work`, which lasts until the file `<ledger>.<row>` is there.
"""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from app.platform import job_kinds, job_store, jobs, workers
from app.platform.database import Database
from app.platform.ending import end_now, end_on_signals
from app.platform.jobs import JobKind, Jobs
from app.platform.queues import Queue
from app.platform.workers import Workers
from tests.acting import acting_for_anybody


@dataclass(frozen=True)
class Orders:
    """What a process is to do; `steps` is the version of the steps it knows."""

    url: str
    ledger: str
    name: str
    queue: tuple[int, int | None, int | None] = (4, None, None)
    lost_seconds: float = 5.0  # so that a busy machine makes nobody look dead
    shutdown_seconds: float = 0.0
    steps: str = job_kinds.STEPS_VERSION

    def command(self) -> list[str]:
        """How to start it."""
        return [sys.executable, "-m", __name__, json.dumps(asdict(self))]


def create(orders: Orders) -> Jobs:
    """The jobs of one process, which is not said to live before they are opened."""
    executor = workers.new_executor(orders.name)
    ledger = Path(orders.ledger)

    def note(line: str) -> None:
        with ledger.open("a") as file:
            file.write(f"{line} {orders.name}\n")

    def read() -> str:
        return ledger.read_text()

    async def launch(row: str) -> None:
        note(f"step {row}")
        if f"launched {row} " not in read():
            note(f"launched {row}")

    async def work(row: str) -> None:
        note(f"begun {row}")
        while not ledger.with_name(f"{ledger.name}.{row}").exists():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        note(f"ended {row}")

    async def fail(row: str, code: str, message: str) -> None:
        note(f"failed {row}")

    async def unfinished() -> Sequence[str]:
        lines = read().splitlines()
        ended = {line.split()[1] for line in lines if line.startswith("ended")}
        rows = {line.split()[1] for line in lines if line.startswith("wanted")}
        return sorted(rows - ended)

    made = Jobs(
        orders.url,
        queues={"toys": Queue(*orders.queue)},
        acting_for=acting_for_anybody,
        executor=executor,
        workers=Workers(
            Database(orders.url), executor, beat_seconds=0.2, lost_seconds=orders.lost_seconds
        ),
        shutdown_seconds=orders.shutdown_seconds,
    )
    made.define(JobKind("toy", "toys", [launch, work], fail, unfinished))
    return made


async def run(orders: Orders) -> None:
    """Run jobs until told to end."""
    stopping = asyncio.Event()
    end_on_signals(stopping, orders.shutdown_seconds)
    process = create(orders)
    await process.open()
    with Path(orders.ledger).open("a") as file:  # noqa: ASYNC230
        file.write(f"ready {os.getpid()} {orders.name}\n")
    await stopping.wait()
    await process.close()


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    ordered = Orders(**given | {"queue": tuple(given["queue"])})
    for module in (job_kinds, job_store, jobs, workers):
        vars(module)["STEPS_VERSION"] = ordered.steps
    asyncio.run(run(ordered))
    end_now(0)
