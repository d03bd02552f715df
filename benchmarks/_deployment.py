"""What benchmarks start and talk to: a stand-in of Cohere, PostgreSQL, workers, a tuned model."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg

from tests.postgres import Postgres, binaries, postgres_server

Json = dict[str, Any]

MODEL = "command-a-03-2025"
_START_SECONDS = 120
_END_SECONDS = 60


@contextmanager
def stand_in(latency_ms: float = 0, *, batches: bool = True) -> "Iterator[tuple[str, int]]":
    """A Cohere server that answers after so long: its address, its process id.

    Without `batches` it offers none of chats.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tests.stand_ins.cohere"]
    command += ["--port", str(port), "--latency-ms", str(latency_ms)]
    process = subprocess.Popen([*command, "--batches" if batches else "--no-batches"])
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                httpx.get(f"{url}/v1/models").raise_for_status()
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server of this benchmark alone, which waits for no disk.

    Raises RuntimeError if there is none on this machine.
    """
    programs = binaries()
    if programs is None:
        raise RuntimeError("initdb is neither on the PATH nor under /usr/lib/postgresql")
    with postgres_server(programs) as server:
        yield server


def migrate(data: Path, settings: Mapping[str, str]) -> None:
    """Make the tables of a PostgreSQL."""
    command = [sys.executable, "-m", "app.cli", "migrate"]
    subprocess.run(
        command, env=_environment(data, settings), cwd=data, check=True, stdout=subprocess.DEVNULL
    )


@contextmanager
def workers(data: Path, settings: Mapping[str, str], number: int) -> Iterator[list[int]]:
    """So many `medtune worker`, all of which say that they live: their process ids."""
    environment = _environment(data, settings)
    with ExitStack() as running, (data / "workers.log").open("ab") as log:
        pids = []
        for _ in range(number):
            process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "worker"], env=environment, cwd=data, stderr=log
            )
            running.callback(_end, process)
            pids.append(process.pid)
        deadline = time.monotonic() + _START_SECONDS
        while rows(settings["MEDTUNE_DATABASE_URL"], "SELECT count(*) FROM workers") < number:
            if time.monotonic() > deadline:
                raise RuntimeError(f"no {number} workers:\n{(data / 'workers.log').read_text()}")
            time.sleep(0.2)
        yield pids


def rows(url: str, query: str) -> int:
    """The one number that a query gives."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        found = connection.execute(query).fetchone()
    return int(found[0]) if found else 0


def tuned_model(client: httpx.Client, corpus: Path, preset: str) -> str:
    """The id of a model of the embedded trainer, trained on the corpus's `train`."""
    content = ("train.txt", (corpus / "train.pubtator.txt").read_bytes())
    form = {"split": "train"}
    dataset = settled(client, client.post("/v1/datasets", files={"file": content}, data=form))
    request: Json = {"dataset_id": dataset["id"], "splits": ["train"]}
    training_file = settled(client, client.post("/v1/training-files", json=request))
    request = {"training_file_id": training_file["id"], "hyperparameters": {"preset": preset}}
    fine_tune = settled(client, client.post("/v1/fine-tunes", json=request))
    return str(fine_tune["model_id"])


def settled(client: httpx.Client, answer: httpx.Response, every: float = 0.05) -> Json:
    """What was asked to be made, once it is; looked at every so many seconds.

    Raises RuntimeError if it never will be.
    """
    resource: Json = answer.raise_for_status().json()
    location = answer.headers["Location"]
    while resource["finished_at"] is None:
        time.sleep(every)
        resource = client.get(location).raise_for_status().json()
    if resource["status"] not in {"ready", "succeeded"}:
        raise RuntimeError(f"{location}: {resource['status']}, {resource.get('error')}")
    return resource


def row(name: str, figure: str) -> None:
    """Print a figure."""
    print(f"  {name:<56} {figure}", flush=True)


def _environment(data: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """None of the user's settings, as `own_service` has it."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith("MEDTUNE_")}
    return {**ours, "MEDTUNE_DATA_DIR": str(data), **settings}


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
