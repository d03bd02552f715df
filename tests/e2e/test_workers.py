"""A service that runs no jobs, its worker, and a PostgreSQL that goes away for a while."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.own_service import own_service
from tests.databases import environment
from tests.e2e.test_story import SAMPLE, create, finished, wait_for
from tests.postgres import Postgres, binaries, postgres_server
from tests.worker import worker

AWAY_SECONDS = 30  # longer than all pauses between tries, and than a request may wait


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A PostgreSQL of these tests alone: they stop it."""
    programs = binaries()
    if programs is None:
        missing = "no PostgreSQL: initdb is neither on the PATH nor under /usr/lib/postgresql"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    with postgres_server(programs, durable=True) as server:
        yield server


def medtune(folder: Path, url: str | None, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A command of `medtune` that ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        env=os.environ | {"MEDTUNE_DATA_DIR": str(folder)} | environment(url),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_database_that_goes_away_for_a_while_ends_nothing(
    server: Postgres, tmp_path: Path
) -> None:
    """Requests are told so at once, jobs wait, and all of them succeed when it is back."""
    with server.database() as url:
        refused = medtune(tmp_path, url, "serve", "--no-worker", "--port", "0")
        assert refused.returncode == 1
        assert "run medtune migrate" in refused.stderr
        assert medtune(tmp_path, url, "migrate").returncode == 0
        no_worker = ("--no-worker",)
        with (
            own_service(tmp_path, environment(url), arguments=no_worker) as service,
            worker(tmp_path, environment(url)) as process,
        ):
            client = service.client

            def workers() -> str:
                standing: str = client.get("/readyz").json()["checks"]["workers"]
                return standing

            wait_for(lambda: workers() == "ok", "no worker is seen")
            dataset = upload(client)
            assert finished(client, dataset)["status"] == "ready"
            rows = {"dataset_id": dataset.rpartition("/")[2], "splits": ["train"]}
            training_file = create(client, "/v1/training-files", json=rows)
            finished(client, training_file)
            tuned = {
                "training_file_id": training_file.rpartition("/")[2],
                "hyperparameters": {"preset": "fast"},
                "name": "x",
            }
            fine_tune = create(client, "/v1/fine-tunes", json=tuned)
            wait_for(
                lambda: client.get(fine_tune).json()["status"] == "training", "no training begins"
            )
            other = upload(client)
            server.stop()
            answers = [client.get(dataset), client.get("/readyz"), client.get("/v1/datasets")]
            answers.append(client.post("/v1/fine-tunes", json=tuned))
            cohere = client.get("/cohere/v1/models")
            time.sleep(AWAY_SECONDS)
            assert client.get("/healthz").status_code == 200
            server.start()
            wait_for(lambda: client.get("/readyz").is_success, "the service is not ready again")
            assert [answer.status_code for answer in [*answers, cohere]] == [503] * 5
            codes = [answer.json()["code"] for answer in answers]
            assert codes == ["database_unavailable", "not_ready", *["database_unavailable"] * 2]
            assert answers[0].headers["Retry-After"]
            assert set(cohere.json()) == {"id", "message"}
            assert finished(client, other)["status"] == "ready"
            ended = finished(client, fine_tune)
            assert ended["status"] == "succeeded", ended
            events = [event["type"] for event in client.get(f"{fine_tune}/events").json()["items"]]
            assert "failed" not in events
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
            wait_for(lambda: workers() == "degraded", "the worker is still seen")
            assert client.get("/readyz").json()["status"] == "degraded"


def upload(client: httpx.Client) -> str:
    """The location of a dataset made of the sample."""
    names = ["train.pubtator.txt", "dev.pubtator.txt"]
    files = [("file", (name, (SAMPLE / name).read_bytes())) for name in names]
    return create(client, "/v1/datasets", files=files)


def test_workers_need_postgresql(tmp_path: Path) -> None:
    """On SQLite both commands say so in one sentence, rather than wait for ever."""
    for arguments in (["worker"], ["serve", "--no-worker"]):
        refused = medtune(tmp_path, None, *arguments)
        assert refused.returncode == 1
        (line,) = refused.stderr.splitlines()
        assert line.startswith("Medtune does not start: ")
        assert "MEDTUNE_DATABASE_URL" in line


def test_a_folder_of_a_newer_release_is_left_alone(tmp_path: Path) -> None:
    """It says so in one sentence, and what to do; nothing of the folder is touched."""
    folder = sqlite3.connect(tmp_path / "medtune.db")
    folder.execute("PRAGMA journal_mode=WAL")
    folder.execute("CREATE TABLE alembic_version (version_num TEXT)")
    folder.execute("INSERT INTO alembic_version VALUES ('9999')")
    folder.commit()
    folder.close()
    before = (tmp_path / "medtune.db").read_bytes()
    refused = medtune(tmp_path, None, "serve", "--port", "0")
    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert line.startswith("Medtune does not start: ")
    assert "newer release" in line
    assert (tmp_path / "medtune.db").read_bytes() == before
