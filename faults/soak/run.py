"""One soak: a deployment with two workspaces, its clients, and what is found in the end."""

import asyncio
import random
import ssl
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from faults.fleet import START_SECONDS, Fleet, run_command, until
from faults.run import FLEETS
from faults.soak.answers import Answers, client_of
from faults.soak.checks import faults_after
from faults.soak.clients import Client
from faults.soak.world import World

# There are faults enough here: no process is to be found dead because the machine is busy.
_SETTINGS = {
    "MEDTUNE_HEARTBEAT_SECONDS": "5",
    "MEDTUNE_WORKER_LOST_SECONDS": "60",
    "MEDTUNE_REQUESTS_PER_MINUTE": "1000000",
    "MEDTUNE_MAX_UNFINISHED_JOBS": "100000",
    "MEDTUNE_SHUTDOWN_SECONDS": "20",
}


@dataclass(frozen=True)
class Options:
    """How many clients, for how long, on which database; the seed draws what each of them does."""

    clients: int
    minutes: float
    database: str
    seed: str


@dataclass(frozen=True)
class Outcome:
    """What clients were answered and what was wrong, of the answers or of what is left."""

    answers: Answers
    made: int
    seconds: float
    faults: Sequence[str]


def soak(options: Options, folder: Path) -> Outcome:
    """Run it; logs and data stay in the folder."""
    chance = random.Random(options.seed)
    answers = Answers()
    with FLEETS[options.database](folder, _SETTINGS) as fleet:
        worlds = [
            World(name, _key(fleet, name), random.Random(chance.random()))
            for name in ("north", "south")
        ]
        _closed(fleet)
        begun = time.monotonic()
        asyncio.run(_clients(options, fleet, worlds, answers, chance))
        seconds = time.monotonic() - begun
        left = [*faults_after(fleet, worlds)]
        if fallen := fleet.fallen():
            left.append(f"ended by themselves: {', '.join(fallen)}")
    told = [f"{count} times: {what}" for what, count in answers.faults.most_common()]
    made = sum(len(ids) for world in worlds for ids in world.made.values())
    return Outcome(answers, made, seconds, left + told)


async def _clients(
    options: Options, fleet: Fleet, worlds: Sequence[World], answers: Answers, chance: random.Random
) -> None:
    context = ssl.create_default_context()
    end = time.monotonic() + 60 * options.minutes
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        for number in range(options.clients):
            world, other = worlds[number % 2], worlds[1 - number % 2]
            http = await stack.enter_async_context(client_of(fleet.url, world.key, context))
            client = Client(http, world, other, answers, random.Random(chance.random()))
            group.create_task(client.live(end))


def _key(fleet: Fleet, workspace: str) -> str:
    """A key for all that is done in a workspace."""
    command = ["keys", "create", "--scope", "admin", "--workspace", workspace, "--name", "soak"]
    return run_command(command, fleet.settings, fleet.data.parent).strip()


def _closed(fleet: Fleet) -> None:
    """Wait until all processes know that there are keys: until then they let anybody in."""

    def refused() -> bool:
        answer = fleet.ask("GET", "/v1/datasets")
        return answer is not None and answer.status_code == 401

    until(refused, START_SECONDS, "the keys")
