"""When a fleet is struck, whom it hits, and when what was hit is there again."""

import random
import signal
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Literal

import psycopg

from faults.asking import RefusedError, Scenario
from faults.fleet import API, END_SECONDS, LOST_SECONDS, Fleet
from faults.servers import Servers, Trap
from tests.stand_ins.cohere.server import Moment as Side

Target = Literal["at work", "api", "worker", "workers", "all", "database crash", "database restart"]
Place = Literal["request", "time", "status", "file", "call"]
Return = Literal["at once", "late", "last"]

_TARGETS: dict[Target, int] = {
    "at work": 40,
    "api": 20,
    "worker": 5,
    "workers": 10,
    "all": 10,
    "database crash": 10,
    "database restart": 5,
}
_DATABASE_GONE_SECONDS = 3.0
_LATE_SECONDS = LOST_SECONDS + 2
_SECOND_STRIKE = 0.25
_AGAIN_SECONDS = 3.0
_MOST_FILES = 3


@dataclass(frozen=True)
class Usual:
    """How a scenario goes when it is left alone: until it is accepted, until it has ended (from
    then on), calls of Cohere's server, and what came of it."""

    request_seconds: float
    seconds: float
    calls: int
    outcome: object


@dataclass(frozen=True)
class Strike:
    """`target` is hit in a moment, and is back later; then perhaps another is hit, `again`.

    The moment is a place in the job's life: a share of its `request` or of the `time` it takes
    after that, when a `status` is first shown, or its n-th `file`, or at the n-th `call` that
    Cohere's server gets. The three returns are at once, once others have had the time to take over,
    and when the job has ended.
    """

    target: Target
    place: Place
    share: float
    status: str
    number: int
    side: Side
    returns: Return
    again: Target | None

    def __str__(self) -> str:
        """For people."""
        moments = {
            "request": f"{self.share:.0%} of the request",
            "time": f"{self.share:.0%} of the time",
            "status": f"status {self.status}",
            "file": f"file {self.number}",
            "call": f"{self.side} call {self.number}",
        }
        again = f", then {self.again}" if self.again else ""
        return f"{self.target}, {moments[self.place]}, back {self.returns}{again}"


def draw(chance: random.Random, fleet: Fleet, scenario: Scenario, calls: int) -> Strike:
    """A strike; `calls` is how many calls of Cohere's server there usually are."""
    places: list[Place] = ["request", "time", "time", "status", "file"]
    if scenario.calls_cohere:
        places += ["call"] * 5
    place = chance.choice(places)
    targets: dict[Target, int] = _TARGETS if fleet.server else {"at work": 1}
    target, again = chance.choices([*targets], [*targets.values()], k=2)
    returns: list[Return] = ["at once"]
    if fleet.server and target in ("at work", "worker"):
        returns += ["late", "last"]
    return Strike(
        target=target,
        place=place,
        share=chance.random() * 1.1,
        status=chance.choice(scenario.statuses),
        number=chance.randint(1, max(1, calls) if place == "call" else _MOST_FILES),
        side=chance.choice(["before", "after"]),
        returns=chance.choice(returns),
        again=again if chance.random() < _SECOND_STRIKE else None,
    )


class Striker:
    """Carries out a strike on a fleet while a job is asked for and runs."""

    def __init__(
        self, fleet: Fleet, servers: Servers, strike: Strike, usual: Usual, chance: random.Random
    ) -> None:
        self._fleet = fleet
        self._servers = servers
        self._strike = strike
        self._usual = usual
        self._chance = chance
        self._back: list[Callable[[], None]] = []
        self._trap: Trap | None = None

    def arm(self) -> None:
        """To be called before the job is asked for."""
        if self._strike.place == "call":
            hit = partial(self._hit, self._strike.target)
            self._trap = Trap(self._strike.number, self._strike.side, hit)
            self._servers.trap = self._trap

    def run(self, begun: "Future[str]") -> None:
        """Wait for the moment, strike, and bring back; `begun` gives the job's location."""
        self._wait(begun)
        self._servers.trap = None
        if self._trap is None or not self._trap.sprung.is_set():
            self._hit(self._strike.target)
        if self._strike.returns == "late":
            time.sleep(_LATE_SECONDS)
        if self._strike.returns != "last":
            self.bring_back()
        if self._strike.again is not None:
            time.sleep(self._chance.random() * _AGAIN_SECONDS)
            self._hit(self._strike.again)
            self.bring_back()

    def bring_back(self) -> None:
        """Start all that was hit and is not back yet."""
        while self._back:
            self._back.pop()()
        self._fleet.start()

    def _wait(self, begun: "Future[str]") -> None:
        strike, usual = self._strike, self._usual
        if strike.place == "request":
            time.sleep(strike.share * usual.request_seconds)
        elif strike.place == "time":
            begun.result(END_SECONDS)
            time.sleep(strike.share * usual.seconds)
        else:
            self._look(begun)

    def _look(self, begun: "Future[str]") -> None:
        """Until the named place, or the end of a job that does not come by it."""
        deadline = time.monotonic() + END_SECONDS
        while time.monotonic() < deadline:
            if self._trap is not None and self._trap.sprung.wait(0.005):
                return
            if not begun.done():
                continue
            answer = self._fleet.ask("GET", begun.result())
            if answer is None:
                continue
            if not answer.is_success:
                raise RefusedError(f"{begun.result()}: {answer.status_code}")
            job = answer.json()
            if job["finished_at"] or self._is_there(job):
                return
            time.sleep(0.005)

    def _is_there(self, job: dict[str, str]) -> bool:
        if self._strike.place == "status":
            return job["status"] == self._strike.status
        places = [f"blobs/{job['id']}/*", f"**/training/{job['id']}/*", f"**/jobs/*{job['id']}*"]
        files = [path for place in places for path in self._fleet.data.glob(place)]
        return self._strike.place == "file" and len(files) >= self._strike.number

    def _hit(self, target: Target) -> None:
        fleet = self._fleet
        if target.startswith("database"):
            assert fleet.server is not None
            fleet.server.stop(signal.SIGQUIT if target == "database crash" else signal.SIGINT)
            pause = self._chance.random() * _DATABASE_GONE_SECONDS
            self._back += [fleet.server.start, partial(time.sleep, pause)]
            return
        fleet.kill(*self._victims(target))

    def _victims(self, target: Target) -> list[str]:
        fleet = self._fleet
        if target == "all":
            return [*fleet.processes]
        if target == "workers":
            return fleet.workers
        if target == "api":
            return [API]
        working: list[str] = []
        if target == "at work":
            try:
                working = fleet.at_work()
            except psycopg.Error:
                working = []  # the database is away
        return [self._chance.choice(working or fleet.workers)]
