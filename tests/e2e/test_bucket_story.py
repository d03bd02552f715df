"""The whole story with a bucket as the store, and what `medtune gc` leaves of it."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.own_service import OwnService, own_service
from app.platform.clock import new_id
from tests.e2e.test_story import create, finished
from tests.postgres import Postgres
from tests.s3 import SECRET, Server, s3_server

SAMPLE = Path(str(files("app.corpora") / "sample"))
TEXT = "Lithium caused tremor in one patient."
Json = dict[str, Any]


@pytest.fixture
def server() -> Iterator[Server]:
    with s3_server() as server:
        yield server


def settings_of(server: Server) -> dict[str, str]:
    return {"MEDTUNE_BLOB_URL": server.url, "MEDTUNE_BLOB_OPTIONS": json.dumps(server.options)}


def gc(data_dir: Path, settings: dict[str, str], *arguments: str) -> dict[str, int]:
    """How many files of each kind `medtune gc` has removed."""
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "gc", *arguments],
        env=os.environ | settings | {"MEDTUNE_DATA_DIR": str(data_dir)},
        cwd=data_dir,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout + done.stderr
    rows = [line.split("│") for line in done.stdout.splitlines() if line.startswith("│")]
    return {row[1].strip(): int(row[2]) for row in rows}


def tuned(upload_to: httpx.Client, train_on: httpx.Client) -> tuple[Json, Json]:
    """A dataset, and a fine-tune on it that has succeeded."""
    file = {"file": ("dev.txt", (SAMPLE / "dev.pubtator.txt").read_bytes())}
    dataset = finished(upload_to, create(upload_to, "/v1/datasets", files=file))
    rows = finished(
        train_on, create(train_on, "/v1/training-files", json={"dataset_id": dataset["id"]})
    )
    request = {"training_file_id": rows["id"], "hyperparameters": {"preset": "fast"}}
    fine_tune = finished(upload_to, create(upload_to, "/v1/fine-tunes", json=request))
    assert fine_tune["status"] == "succeeded", fine_tune
    return dataset, fine_tune


def look(client: httpx.Client, dataset: Json, fine_tune: Json) -> list[Any]:
    """What is read from blobs and the model."""
    told = [
        client.get(f"/v1/datasets/{dataset['id']}/documents").json()["items"],
        client.get(f"/v1/datasets/{dataset['id']}/report").json()["items"],
        client.get(f"/v1/datasets/{dataset['id']}/export?format=pubtator").text,
        client.get(f"/v1/training-files/{fine_tune['training_file_id']}/content").text,
    ]
    answer = client.post("/v1/extractions", json={"model": fine_tune["model_id"], "text": TEXT})
    assert answer.status_code == 200, answer.text
    return [*told, answer.json()["chemicals"], answer.json()["diseases"]]


def test_gc_removes_what_no_row_knows(server: Server, tmp_path: Path) -> None:
    """Orphans go once they are old; all that is known stays, also what has no copy here."""
    settings = settings_of(server)
    with own_service(tmp_path, settings) as service:
        dataset, fine_tune = tuned(service.client, service.client)
        before = look(service.client, dataset, fine_tune)
        known = server.names()
        assert any("/models/" in name for name in known)
        copy = (
            tmp_path / "cache" / next(each for each in known if "/ds_" in each).split("blobs/")[1]
        )
        orphans = [
            f"some/where/blobs/{new_id('ds')}/{'a' * 64}",
            f"some/where/blobs/{dataset['id']}/{'b' * 64}",
            f"some/where/blobs/{new_id('bat')}/{'c' * 64}",
            f"some/where/models/{'d' * 64}.medtune",
        ]
        unknown = ["some/where/blobs/notes.txt", f"some/where/blobs/new_{'0' * 32}/{'e' * 64}"]
        for name in (*orphans, *unknown):
            server.put(name, b"left over")
        gone_here = tmp_path / "cache" / new_id("tf") / ("f" * 64)
        half = copy.parent / ".half"
        for path in (gone_here, half):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"left over")
        removed = {
            "blobs": 3,
            "models": 1,
            "copies of blobs": 1,
            "copies of models": 0,
            "unfinished blobs": 1,
            "unfinished models": 0,
        }
        assert set(gc(tmp_path, settings).values()) == {0}  # not old enough
        assert gc(tmp_path, settings, "--older-than", "0h", "--dry-run") == removed
        assert server.names() == sorted([*known, *orphans, *unknown])
        assert gc(tmp_path, settings, "--older-than", "0h") == removed
        assert server.names() == sorted([*known, *unknown])
        assert not gone_here.exists()
        assert not half.exists()
        assert look(service.client, dataset, fine_tune) == before
        shutil.rmtree(tmp_path / "cache")
        for path in (tmp_path / "local" / "models").iterdir():
            path.unlink()
        assert look(service.client, dataset, fine_tune) == before
    with own_service(tmp_path, settings) as service:
        assert look(service.client, dataset, fine_tune) == before
        _no_secret(service)


def test_gc_of_a_folder(tmp_path: Path) -> None:
    """Without a bucket: what a crash left in the data folder, while the service runs."""
    with own_service(tmp_path) as service:
        dataset, fine_tune = tuned(service.client, service.client)
        before = look(service.client, dataset, fine_tune)
        orphans = [
            tmp_path / "blobs" / new_id("ds") / ("a" * 64),
            tmp_path / "blobs" / dataset["id"] / ("b" * 64),
            tmp_path / "blobs" / dataset["id"] / ".half",
            tmp_path / "local" / "models" / f"{'d' * 64}.medtune",
        ]
        long_ago = time.time() - 2 * 86400
        for path in orphans:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"left over")
            os.utime(path, (long_ago, long_ago))
        assert set(gc(tmp_path, {}, "--older-than", "3d").values()) == {0}
        removed = gc(tmp_path, {})
        assert (removed["blobs"], removed["models"], removed["unfinished blobs"]) == (2, 1, 1)
        assert not any(path.exists() for path in orphans)
        assert look(service.client, dataset, fine_tune) == before


def test_two_machines_share_a_database_and_a_bucket(
    server: Server, postgres: Postgres, migrated: str, tmp_path: Path
) -> None:
    """What one uploads the other trains on and extracts with; what one deletes is gone for both."""
    with ExitStack() as stack:
        url = stack.enter_context(postgres.database(migrated))
        settings = settings_of(server) | {"MEDTUNE_DATABASE_URL": url}
        machines = []
        for name in ("one", "other"):
            (tmp_path / name).mkdir()
            machines.append(stack.enter_context(own_service(tmp_path / name, settings)))
        one, other = machines
        dataset, fine_tune = tuned(one.client, other.client)
        assert look(one.client, dataset, fine_tune) == look(other.client, dataset, fine_tune)
        answer = other.client.delete(f"/v1/datasets/{dataset['id']}?cascade=true")
        assert answer.status_code == 204, answer.text
        assert server.names() == []
        request = {"model": fine_tune["model_id"], "text": TEXT}
        assert one.client.post("/v1/extractions", json=request).status_code == 404
        dead = tmp_path / "one" / "workers" / "dead"
        dead.mkdir()
        assert gc(tmp_path / "one", settings)["folders of dead processes"] == 1
        assert [path.name for path in dead.parent.iterdir() if path.is_dir()] != []
        assert not dead.exists()
        for machine in machines:
            _no_secret(machine)


def test_a_bucket_that_is_gone(server: Server, tmp_path: Path) -> None:
    """A problem with a code says so, without address or key; nothing half is left of an upload."""
    with own_service(tmp_path, settings_of(server)) as service:
        assert server.process is not None
        server.process.terminate()
        server.process.wait(20)
        file = {"file": ("dev.txt", (SAMPLE / "dev.pubtator.txt").read_bytes())}
        answer = service.client.post("/v1/datasets", files=file)
        assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
        assert SECRET not in answer.text
        assert server.address not in answer.text
        assert service.client.get("/v1/datasets").json()["items"] == []
        assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []
        _no_secret(service)


def _no_secret(service: OwnService) -> None:
    log = service.log.read_text()
    assert '"event": "request"' in log
    assert SECRET not in log
