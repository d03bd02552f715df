"""Uploads: streamed whatever their size, and within the limits that the settings set."""

import gzip
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.main import create_app
from app.own_service import OwnService
from app.platform.settings import Settings
from tests.platform.conftest import MIB, UNPACKED_LIMIT

MULTIPART = {"Content-Type": "multipart/form-data; boundary=x"}
BEGIN = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
END = b"\r\n--x--\r\n"
BIG = 300 * MIB


def finished(client: httpx.Client, answer: httpx.Response, seconds: float = 60) -> dict[str, Any]:
    """The dataset, once it has been read."""
    assert answer.status_code == 202, answer.text
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        dataset: dict[str, Any] = client.get(answer.headers["Location"]).json()
        if dataset["finished_at"]:
            return dataset
        time.sleep(0.05)
    raise AssertionError("the upload is not read")


def peak_memory(pid: int) -> int:
    """The most memory, in bytes, that a process has had so far (`proc_pid_status(5)`)."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_a_large_upload_is_not_held_in_memory(own: OwnService) -> None:
    """A broken archive of 300 MiB: hashed, stored and read, while the service stays below that."""
    first, block = (
        b"PK\x03\x04",
        b"A Zip's list of files comes last; here there is none.\r\n" * 10_000,
    )
    sent = hashlib.sha256()

    def body() -> Iterator[bytes]:
        yield BEGIN
        left = BIG
        for piece in [first] + [block] * (BIG // len(block) + 1):
            sent.update(piece[:left])
            yield piece[:left]
            left -= len(piece[:left])
        yield END

    answer = own.client.post("/v1/datasets", content=body(), headers=MULTIPART)
    dataset = finished(own.client, answer)
    (file,) = dataset["files"]
    assert (file["bytes"], file["sha256"]) == (BIG, sent.hexdigest())
    assert dataset["report"]["by_code"] == {"archive_broken": 1}
    assert peak_memory(own.process.pid) < BIG


def noise(size: int, repeated: int = 1) -> bytes:
    """A PubTator file of one line, too long to be read; packs by some 2 times `repeated`."""
    pieces = [os.urandom(50).hex().encode() * repeated for _ in range(size // (100 * repeated))]
    return b"1|t|" + b"".join(pieces)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (noise(UNPACKED_LIMIT - MIB), None),
        (noise(UNPACKED_LIMIT + MIB), "archive_too_large"),
        (noise(UNPACKED_LIMIT - MIB, repeated=10), "archive_ratio"),
    ],
    ids=["within", "too large", "packed too tightly"],
)
def test_the_limits_of_archives_reach_the_reader(
    own: OwnService, content: bytes, code: str | None
) -> None:
    """An archive just within MEDTUNE_MAX_UNPACKED_BYTES is read, others are refused by code."""
    files = [("file", ("x.txt.gz", gzip.compress(content, 1)))]
    dataset = finished(own.client, own.client.post("/v1/datasets", files=files))
    assert {c for c in dataset["report"]["by_code"] if c.startswith("archive_")} == (
        {code} if code else set()
    )


async def test_an_upload_has_a_limit_of_its_own(tmp_path: Path) -> None:
    """More than MEDTUNE_MAX_UPLOAD_BYTES is a 413 and leaves nothing, whatever other bodies may."""
    settings = Settings(
        data_dir=tmp_path, max_upload_bytes=200_000, max_body_bytes=1_000, _env_file=None
    )
    app = create_app(settings)
    await app.state.platform.database.migrate()
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        for size, status in ((100_000, 202), (200_000, 413)):
            content = BEGIN + b"x" * size + END
            answer = await client.post("/v1/datasets", content=content, headers=MULTIPART)
            assert answer.status_code == status, answer.text
            assert len(list((tmp_path / "blobs").glob("*/*"))) == 1
        assert answer.json()["code"] == "body_too_large"
        answer = await client.post("/v1/training-files", json={"dataset_id": "x" * 2_000})
        assert answer.status_code == 413
    await app.state.platform.database.close()
