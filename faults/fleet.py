"""The processes of a deployment, to be killed and started again: they outlive none of their blocks.

`sqlite`: one `medtune serve`. `postgres`: `medtune serve --no-worker` and three `medtune worker`.
"""

import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg

from tests.postgres import Postgres, binaries, postgres_server

Json = dict[str, Any]

START_SECONDS = 180
END_SECONDS = 40
# A process silent for so long is dead to the others: short, so that a point does not take long.
LOST_SECONDS = 3.0
API = "api"
_WORKERS = 3
_SETTINGS = {
    "MEDTUNE_HEARTBEAT_SECONDS": "0.5",
    "MEDTUNE_WORKER_LOST_SECONDS": str(LOST_SECONDS),
    "MEDTUNE_SHUTDOWN_SECONDS": "5",
    "MEDTUNE_REMOTE_POLL_SECONDS": "0.2",
    "MEDTUNE_SHARD_DOCUMENTS": "10",
    "MEDTUNE_BULK_PROCESSES": "1",
}


class Process:
    """A `medtune` command, started and killed again and again; it logs to `<folder>/<name>.log`."""

    def __init__(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._command = [sys.executable, "-m", "app.cli", *arguments]
        self._environment = _environment(environment)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, unless it runs."""
        if self.runs:
            return
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, cwd=self._folder, stderr=log
            )

    @property
    def runs(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def end(self) -> None:
        """Tell it to end; kill it if it does not."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()


@dataclass
class Fleet:
    """A deployment: its processes by name, its data folder, its address, its database server."""

    name: str
    data: Path
    url: str
    settings: Mapping[str, str]
    processes: dict[str, Process]
    server: Postgres | None = None
    database_url: str | None = None
    down: set[str] = field(default_factory=set)  # what is killed and not to run yet
    _client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60))

    @property
    def workers(self) -> list[str]:
        """Names of the processes that run jobs."""
        return [name for name in self.processes if name != API] or [API]

    def kill(self, *names: str) -> None:
        """Kill processes; they stay down until they are started."""
        for name in names:
            self.down.add(name)
            self.processes[name].kill()

    def start(self) -> None:
        """Start all that was killed."""
        for name in sorted(self.down):
            self.processes[name].start()
        self.down.clear()

    def fallen(self) -> list[str]:
        """Processes that ended though nobody killed them."""
        return [n for n, p in self.processes.items() if not p.runs and n not in self.down]

    def at_work(self) -> list[str]:
        """The processes that run a job now, as the job engine's tables have it."""
        if self.server is None or self.database_url is None:
            return [API]
        query = "SELECT executor_id FROM dbos.workflow_status WHERE status = 'PENDING'"
        with psycopg.connect(self.database_url.replace("+psycopg", ""), connect_timeout=2) as asked:
            rows = asked.execute(query).fetchall()
        return sorted({executor.rpartition("-")[0] for (executor,) in rows} & {*self.workers})

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response | None:
        """The answer; None if there is none, or one that says to come again."""
        try:
            answer = self._client.request(method, f"{self.url}{path}", **request)
        except httpx.TransportError:
            return None
        return None if answer.status_code in (502, 503, 504) else answer

    def get(self, path: str, seconds: float = END_SECONDS) -> httpx.Response:
        """The answer, asked for until there is one. Raises TimeoutError."""
        return until(lambda: self.ask("GET", path), seconds, path)

    def ready(self) -> None:
        """Wait until all of it can serve. Raises TimeoutError."""

        def served() -> bool:
            answer = self.ask("GET", "/readyz")
            return answer is not None and answer.is_success

        until(served, START_SECONDS, "/readyz")

    def close(self) -> None:
        """End all of it."""
        self._client.close()
        for process in self.processes.values():
            process.end()


Found = TypeVar("Found")


def until(look: Callable[[], Found | None], seconds: float, what: str) -> Found:
    """What `look` gives, once it gives something. Raises TimeoutError, which says for what."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.05)
    return found


@contextmanager
def sqlite_fleet(folder: Path, settings: Mapping[str, str]) -> Iterator[Fleet]:
    """One process with all in it."""
    data, port = folder / "data", _free_port()
    data.mkdir(parents=True, exist_ok=True)
    environment = _common(folder, settings)
    process = Process(API, ["serve", "--port", str(port)], environment, folder)
    url = f"http://127.0.0.1:{port}"
    with _running(Fleet("sqlite", data, url, environment, {API: process})) as fleet:
        yield fleet


@contextmanager
def postgres_fleet(folder: Path, settings: Mapping[str, str]) -> Iterator[Fleet]:
    """An API and three workers on a PostgreSQL of their own. Raises RuntimeError without one."""
    programs = binaries()
    if programs is None:
        raise RuntimeError("initdb is neither on the PATH nor under /usr/lib/postgresql")
    data, port = folder / "data", _free_port()
    data.mkdir(parents=True)
    with postgres_server(programs, durable=True) as server, server.database() as database_url:
        environment = _common(folder, settings)
        environment["MEDTUNE_DATABASE_URL"] = database_url
        run_command(["migrate"], environment, folder)
        serve = ["serve", "--no-worker", "--port", str(port)]
        processes = {API: Process(API, serve, environment, folder)}
        for name in (f"worker-{number}" for number in range(1, _WORKERS + 1)):
            named = environment | {"MEDTUNE_WORKER_NAME": name}
            processes[name] = Process(name, ["worker"], named, folder)
        url = f"http://127.0.0.1:{port}"
        fleet = Fleet("postgres", data, url, environment, processes, server, database_url)
        with _running(fleet):
            yield fleet


@contextmanager
def _running(fleet: Fleet) -> Iterator[Fleet]:
    fleet.down = {*fleet.processes}
    try:
        fleet.start()
        fleet.ready()
        yield fleet
    finally:
        fleet.close()


def run_command(arguments: Sequence[str], environment: Mapping[str, str], folder: Path) -> str:
    """What a `medtune` command says. Raises CalledProcessError."""
    command = [sys.executable, "-m", "app.cli", *arguments]
    done = subprocess.run(
        command,
        env=_environment(environment),
        cwd=folder,
        check=True,
        capture_output=True,
        timeout=START_SECONDS,
    )
    return done.stdout.decode()


def _common(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Of all processes of a fleet: nothing they write lies outside its folder."""
    scratch = folder / "tmp"
    scratch.mkdir(exist_ok=True)
    places = {"MEDTUNE_DATA_DIR": str(folder / "data"), "TMPDIR": str(scratch)}
    return {**_SETTINGS, **settings, **places}


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """None of the user's settings; and code compiled once, not at every start."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MEDTUNE_")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**environment, **settings}


def _free_port() -> int:
    """A port to listen on again and again: not of those that outgoing connections are given."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no port is free")
