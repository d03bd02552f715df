"""A run: points one after another on fleets that stay, as long as there is time."""

import random
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from faults import disk, leftovers
from faults.asking import Begin, Inputs, Scenario, prepare
from faults.fleet import Fleet, postgres_fleet, sqlite_fleet
from faults.points import Point, Trial, undisturbed
from faults.scenarios import SCENARIOS
from faults.servers import Servers, running_servers
from faults.strikes import Usual
from tests.postgres import binaries

FLEETS = {"sqlite": sqlite_fleet, "postgres": postgres_fleet}
NAMES = [*(scenario.name for scenario in SCENARIOS), disk.NAME]


@dataclass(frozen=True)
class Options:
    """What is to be tried; with the same seed, and the same of the rest, points are the same.

    `only` are names of scenarios, all if there are none; `point` is the number of the one to try.
    """

    seed: str
    points: int
    minutes: float = 15.0
    only: Sequence[str] = ()
    databases: Sequence[str] = tuple(FLEETS)
    point: int | None = None

    @property
    def fills_disk(self) -> bool:
        """Whether the full disk is to be tried."""
        return disk.NAME in (self.only or NAMES) and self.point is None


def usable(fleet: str) -> str | None:
    """Why there can be no such fleet here; None if there can."""
    if fleet == "postgres" and binaries() is None:
        return "initdb is neither on the PATH nor under /usr/lib/postgresql"
    return None


def plan(options: Options) -> Iterator[tuple[int, str, Scenario]]:
    """Numbered points: databases in turn, on each all scenarios in a random order, then again."""
    chance = random.Random(options.seed)
    scenarios = [each for each in SCENARIOS if each.name in (options.only or NAMES)]
    orders: dict[str, list[Scenario]] = {name: [] for name in options.databases}
    for number in range(1, options.points + 1) if scenarios else ():
        name = options.databases[number % len(options.databases)]
        orders[name] = orders[name] or chance.sample(scenarios, len(scenarios))
        scenario = orders[name].pop()
        if usable(name) is None and options.point in (None, number):
            yield number, name, scenario


class Run:
    """Tries points, and keeps what came of them; the logs of the last fault stay in `folder`."""

    def __init__(self, options: Options, folder: Path) -> None:
        self._options = options
        self._folder = folder
        self._deadline = time.monotonic() + 60 * options.minutes
        self._points: list[Point] = []
        self._usual: dict[Begin, Usual] = {}

    def run(self) -> list[Point]:
        """Try all points of the plan, and the full disk, as long as there is time."""
        numbers = count(self._options.points + 1)  # of those that are not drawn
        with running_servers() as servers:
            if self._options.fills_disk and disk.missing() is None:
                for point in disk.try_disk(self._folder / "disk", servers, numbers, self._more):
                    self._add(point)
            with ExitStack() as stack:
                fleets: dict[str, tuple[Fleet, Inputs]] = {}
                for number, name, scenario in plan(self._options):
                    if name not in fleets:
                        opened = FLEETS[name](self._folder / name, servers.settings)
                        fleet = stack.enter_context(opened)
                        fleets[name] = fleet, prepare(fleet)
                    if not self._more():
                        break
                    self._add(self._try(number, *fleets[name], servers, scenario))
                for (fleet, _), number in zip(fleets.values(), numbers, strict=False):
                    self._add(leftovers.sweep(fleet, number))
        if not any(point.verdict.faults for point in self._points):
            shutil.rmtree(self._folder)
        return self._points

    def _more(self) -> bool:
        return time.monotonic() < self._deadline

    def _try(
        self, number: int, fleet: Fleet, inputs: Inputs, servers: Servers, scenario: Scenario
    ) -> Point:
        usual = self._usual.get(scenario.begin)
        if usual is None:
            usual = undisturbed(fleet, servers, inputs, scenario)
            self._usual[scenario.begin] = usual
        seed = self._options.seed
        return Trial(number, seed, fleet, servers, inputs, scenario, usual).run()

    def _add(self, point: Point) -> None:
        self._points.append(point)
        what = f"{point.fleet}, {point.scenario}: {point.strike}"
        print(f"{point.number:>4}  {point.seconds:5.1f} s  {what}", flush=True)
        for fault in point.verdict.faults:
            print(f"      {fault}\n      logs: {self._folder}", flush=True)
