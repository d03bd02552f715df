"""A data folder belongs to one process at a time, and goes from one to the next whole and clean."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.main import create_app
from app.own_service import own_service
from app.platform.folder_lock import FolderInUseError, folder_lock
from app.platform.settings import Settings
from tests.api.test_datasets import ONE
from tests.platform.test_uploads import finished

FILES = [("file", ("x.txt", ONE))]
OWNERS = {"gone dataset": "ds_" + "0" * 32, "gone training file": "tf_" + "1" * 32}


@dataclass
class Restart:
    """What was seen of a folder's services: one, one too many, and one after the first's death."""

    second: "subprocess.CompletedProcess[str]"
    first_after_second: list[int]
    before: dict[str, bytes]
    after: dict[str, bytes]
    contents: list[httpx.Response]
    unread: dict[str, Any]
    unreadable: dict[str, Any]
    unreadable_is_gone: bool


def serve(data_dir: Path) -> "subprocess.CompletedProcess[str]":
    """`medtune serve` on this folder, until it ends."""
    return subprocess.run(
        [sys.executable, "-m", "app.cli", "serve", "--port", "0"],
        env=os.environ | {"MEDTUNE_DATA_DIR": str(data_dir)},
        cwd=data_dir,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def stored(folder: Path) -> dict[str, bytes]:
    """All files and folders of the blobs, by name."""
    blobs = folder / "blobs"
    paths = sorted(blobs.rglob("*"))
    return {str(p.relative_to(blobs)): p.read_bytes() if p.is_file() else b"" for p in paths}


def gone(path: Path) -> bool:
    """Whether there is nothing, now or a moment later."""
    deadline = time.monotonic() + 10
    while path.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not path.exists()


async def upload_only(folder: Path) -> httpx.Response:
    """The answer to an upload, by a service that ends before it has started the job."""
    app = create_app(Settings(data_dir=folder, _env_file=None))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        files = [*FILES, ("file", ("y.txt", ONE.replace("1|", "2|").replace("1\t", "2\t")))]
        answer = await client.post("/v1/datasets", files=files)
    await app.state.platform.database.close()
    return answer


@pytest.fixture(scope="module")
def restart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restart]:
    """The story that all tests here look at, each from its side."""
    folder = tmp_path_factory.mktemp("restart")
    with own_service(folder) as first:
        answer = first.client.post("/v1/datasets", files=FILES)
        dataset = finished(first.client, answer)
        answer = first.client.post("/v1/training-files", json={"dataset_id": dataset["id"]})
        rows = finished(first.client, answer)
        second = serve(folder)
        ready, gave = first.client.get("/readyz"), first.client.get(f"/v1/datasets/{dataset['id']}")
        first.process.send_signal(signal.SIGKILL)
        first.process.wait(10)
    before = stored(folder)
    for name in (f"{dataset['id']}/.half", f"{dataset['id']}/{'a' * 64}", f"{rows['id']}/.half"):
        (folder / "blobs" / name).write_bytes(b"left over")
    for owner in OWNERS.values():
        (folder / "blobs" / owner).mkdir()
        (folder / "blobs" / owner / ("b" * 64)).write_bytes(b"left over")
    unread, unreadable = [asyncio.run(upload_only(folder)) for _ in range(2)]
    half_gone = folder / "blobs" / unreadable.json()["id"]
    (half_gone / unreadable.json()["files"][1]["sha256"]).unlink()
    with own_service(folder) as third:
        yield Restart(
            second,
            [ready.status_code, gave.status_code],
            before,
            stored(folder),
            [
                third.client.get(f"/v1/datasets/{dataset['id']}/documents"),
                third.client.get(f"/v1/training-files/{rows['id']}/content"),
            ],
            finished(third.client, unread),
            finished(third.client, unreadable),
            gone(half_gone),
        )


def test_a_second_service_is_turned_away(restart: Restart) -> None:
    """It says so in one sentence and ends with 1; the first goes on. Dead, it holds no one up."""
    assert (restart.second.returncode, restart.second.stdout) == (1, "")
    (line,) = restart.second.stderr.splitlines()
    assert line.startswith("Medtune does not start: another process serves from ")
    assert restart.first_after_second == [200, 200]
    assert restart.contents[0].status_code == 200


def test_what_no_row_knows_is_removed_at_start(restart: Restart) -> None:
    """Half-written files, unknown ones, and folders of owners that are gone; nothing else."""
    assert restart.before
    assert {name: restart.after.get(name) for name in restart.before} == restart.before
    assert b"left over" not in restart.after.values()
    assert not set(OWNERS.values()) & set(restart.after)
    documents, rows = restart.contents
    assert [item["id"] for item in documents.json()["items"]] == ["1"]
    assert len(rows.text.splitlines()) == 3


def test_an_upload_that_was_never_read_is_read_by_the_next_process(restart: Restart) -> None:
    """The row was committed, its job never started: it begins by itself, with the bytes kept."""
    assert restart.unread["status"] == "ready", restart.unread


def test_a_job_that_breaks_keeps_nothing_but_the_reason(restart: Restart) -> None:
    """An upload that has lost one of its files fails, and the other file is not kept."""
    assert restart.unreadable["status"] == "failed"
    assert restart.unreadable["error"]["code"] == "internal_error"
    assert restart.unreadable_is_gone


def test_the_lock_is_held_for_the_block(tmp_path: Path) -> None:
    """Within the block no one else gets it; after it, whoever comes next."""
    for _ in range(2):
        with folder_lock(tmp_path), pytest.raises(FolderInUseError), folder_lock(tmp_path):
            pass
