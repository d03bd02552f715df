"""A point: one job of a fleet, one strike, and what its client finds in the end."""

import random
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from faults.asking import Inputs, RefusedError, Scenario, ended
from faults.fleet import Fleet, Json
from faults.servers import Servers
from faults.strikes import Striker, Usual, draw

# A job has ended by then, whatever was done to it: what only the job engine's sweep finds is begun
# a minute later.
LIMIT_SECONDS = 180.0
KINDS = ("lost", "doubled", "stuck", "kept")


@dataclass
class Verdict:
    """What is wrong after a point, in words; nothing, if all is well."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """All of it."""
        return [f"{kind}: {each}" for kind in KINDS for each in getattr(self, kind)]


@dataclass(frozen=True)
class Point:
    """What was tried, and what came of it."""

    number: int
    fleet: str
    scenario: str
    strike: str
    seconds: float
    verdict: Verdict


def undisturbed(fleet: Fleet, servers: Servers, inputs: Inputs, scenario: Scenario) -> Usual:
    """How a scenario goes when it is left alone. Raises RuntimeError if it does not go well."""
    servers.calm()
    calls, begun = len(servers.cohere.log), time.monotonic()
    location = scenario.begin(fleet, inputs, f"alone-{scenario.name}".replace(" ", "-"))
    accepted = time.monotonic()
    end = ended(fleet, location, LIMIT_SECONDS)
    seconds = time.monotonic() - accepted
    if end["status"] not in ("ready", "succeeded"):
        raise RuntimeError(f"{scenario.name} fails by itself: {end['error']}")
    twice, wrong = scenario.doubled(fleet, servers, end), scenario.wrong(fleet, end)
    if faults := [*wrong, *twice, *scenario.kept(fleet)]:
        raise RuntimeError(f"{scenario.name} goes wrong by itself: {faults}")
    calls = len(servers.cohere.log) - calls
    return Usual(accepted - begun, seconds, calls, scenario.outcome(fleet, end))


@dataclass(frozen=True)
class Trial:
    """A point to be tried: what is asked for, of whom, and how that usually goes."""

    number: int
    seed: str
    fleet: Fleet
    servers: Servers
    inputs: Inputs
    scenario: Scenario
    usual: Usual

    def run(self) -> Point:
        """Ask for a job, strike, wait for its end, and compare it with the usual one."""
        chance = random.Random(f"{self.seed} {self.number}")
        strike = draw(chance, self.fleet, self.scenario, self.usual.calls)
        begun_at = time.monotonic()
        verdict = Verdict()
        self.servers.trouble(self.scenario.trouble, chance)
        striker = Striker(self.fleet, self.servers, strike, self.usual, chance)
        striker.arm()
        with ThreadPoolExecutor(1) as pool:
            begun: Future[str] = pool.submit(self._begin)
            try:
                striker.run(begun)
                location = begun.result(LIMIT_SECONDS)
                end = ended(self.fleet, location, LIMIT_SECONDS)
                striker.bring_back()
                self._judge(location, end, verdict)
            except RefusedError as error:
                verdict.lost.append(str(error))
            except TimeoutError as error:
                verdict.stuck.append(str(error))
            finally:
                self.servers.trap = None
                striker.bring_back()
        _settle(self.fleet, verdict)
        self.servers.calm()
        seconds = time.monotonic() - begun_at
        name = self.scenario.name
        return Point(self.number, self.fleet.name, name, str(strike), seconds, verdict)

    @property
    def _key(self) -> str:
        return f"{self.seed}-{self.number}"

    def _begin(self) -> str:
        return self.scenario.begin(self.fleet, self.inputs, self._key)

    def _judge(self, location: str, end: Json, verdict: Verdict) -> None:
        if end["status"] not in ("ready", "succeeded"):
            verdict.lost.append(f"{location} has ended as {end['status']}: {end['error']}")
            return
        outcome = self.scenario.outcome(self.fleet, end)
        if outcome != self.usual.outcome:
            verdict.lost.append(f"{location}: {difference(self.usual.outcome, outcome)}")
        verdict.lost += self.scenario.wrong(self.fleet, end)
        verdict.doubled += self.scenario.doubled(self.fleet, self.servers, end)
        if self._begin() != location:
            verdict.doubled.append(f"the same key gives another than {location}")
        room = location.rpartition("/")[0]
        if end.get("name") == self._key:
            listed = self.fleet.get(f"{room}?limit=50").json()["items"]
            mine = [each["id"] for each in listed if each["name"] == self._key]
            if len(mine) > 1:
                verdict.doubled.append(f"{len(mine)} of {room}")
        verdict.kept += self.scenario.kept(self.fleet)


def difference(wanted: object, got: object) -> str:
    """Where two outcomes differ, in a few words."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        for name in wanted:
            if wanted[name] != got.get(name):
                return f"{name}: {difference(wanted[name], got.get(name))}"
    if isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        pairs = zip(wanted, got, strict=True)
        return next((difference(one, other) for one, other in pairs if one != other), "")
    if isinstance(wanted, list) and isinstance(got, list):
        return f"{len(got)} instead of {len(wanted)}"
    return f"{got!r} instead of {wanted!r}"[:400]


def _settle(fleet: Fleet, verdict: Verdict) -> None:
    """All processes serve again: those that nobody killed have not ended by themselves."""
    try:
        fleet.ready()
    except TimeoutError:
        verdict.stuck.append("the service is not ready again")
    if fallen := fleet.fallen():
        verdict.stuck.append(f"ended by themselves: {', '.join(fallen)}")
        fleet.kill(*fallen)
        fleet.start()
        fleet.ready()
