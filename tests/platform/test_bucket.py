"""A bucket as the store: over real HTTP against moto's S3, and against a server that misbehaves."""

import asyncio
import errno
import hashlib
import json
import os
import pickle
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.platform.blobs import Blobs
from app.platform.bucket import Bucket, BucketSettingsError
from app.platform.clock import new_id
from app.platform.errors import ApiError
from tests.s3 import SECRET, Server, s3_server

MIB = 1 << 20
# Far less than a blob of the tests that look at memory, more than the parts that are on their way.
LITTLE_MEMORY = 48 * MIB

GOOGLE_KEY = json.dumps(
    {"client_email": "x", "private_key": "", "private_key_id": "", "disable_oauth": True}
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with s3_server() as server:
        yield server


def blobs_of(server: Server, copies: Path, most_bytes: int = 1 << 40) -> Blobs:
    return Blobs(
        Bucket(server.url, server.options, prefix="blobs", copies=copies, most_bytes=most_bytes)
    )


def write(blobs: Blobs, content: bytes, owner: str | None = None) -> str:
    with blobs.writer(owner or new_id("ds")) as out:
        out.write(content)
    return out.key


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


async def test_one_machine_writes_and_another_reads(server: Server, tmp_path: Path) -> None:
    """The object's name is owner and hash; a machine that has no copy fetches one."""
    here, there = blobs_of(server, tmp_path / "here"), blobs_of(server, tmp_path / "there")
    key = write(here, b"some text")
    assert key.endswith(hashlib.sha256(b"some text").hexdigest())
    assert f"some/where/blobs/{key}" in server.names()
    assert (await there.local(key)).read_bytes() == b"some text"
    assert there.fetch(key) == there.place(key) == tmp_path / "there" / key
    assert here.fetch(key).read_bytes() == b"some text"
    assert files(tmp_path) == [key.partition("/")[2]] * 2


async def test_deleting_takes_objects_and_copies_along(server: Server, tmp_path: Path) -> None:
    """One blob, or all of an owner; what is not there is FileNotFoundError, and leaves no trace."""
    blobs, owner = blobs_of(server, tmp_path), new_id("ds")
    one, two, other = write(blobs, b"1", owner), write(blobs, b"2", owner), write(blobs, b"3")
    for _ in range(2):
        blobs.delete(one)
    assert {f"some/where/blobs/{key}" for key in (one, two, other)} & set(server.names()) == {
        f"some/where/blobs/{key}" for key in (two, other)
    }
    for _ in range(2):
        blobs.delete_owner(owner)
    assert files(tmp_path) == [other.partition("/")[2]]
    for key in (one, two):
        with pytest.raises(FileNotFoundError):
            await blobs.local(key)
    assert files(tmp_path) == [other.partition("/")[2]]
    assert [each.name for each in blobs.stored() if each.name.startswith(owner)] == []


@pytest.mark.parametrize("what", ["write", "fetch"])
def test_memory_is_flat(server: Server, tmp_path: Path, what: str) -> None:
    """100 MiB go up and come down in parts."""
    blobs, name, size = blobs_of(server, tmp_path / "copies"), new_id("ds"), 100
    if what == "fetch":
        name = write(blobs_of(server, tmp_path / "other"), bytes(size * MIB), name)
    command = [sys.executable, "-m", "tests.platform.bucket_process", what]
    done = subprocess.run(
        [*command, pickle.dumps(blobs).hex(), name, str(size)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    key, grown = done.stdout.split()
    assert int(grown) < LITTLE_MEMORY
    assert blobs.place(key).stat().st_size == size * MIB


async def test_ping_answers_though_all_downloads_wait(server: Server, tmp_path: Path) -> None:
    """It needs none of the threads that fetch, and no file; a server that is gone is told of."""
    bucket = blobs_of(server, tmp_path).objects
    assert isinstance(bucket, Bucket)
    await bucket.ping()
    held = threading.Event()
    bucket._copies._threads = ThreadPoolExecutor(1)
    bucket._copies._threads.submit(held.wait)
    try:
        async with asyncio.timeout(20):
            await bucket.ping()
    finally:
        held.set()
    options = {**server.options, "endpoint": "http://127.0.0.1:9"}
    nowhere = Bucket(server.url, options, prefix="", copies=tmp_path, most_bytes=1)
    with pytest.raises(ApiError, match="does not answer"):
        await nowhere.ping()


def test_killed_in_the_middle_of_an_upload(server: Server, tmp_path: Path) -> None:
    """No object under a final name; what is left on the machine is swept, once it is old."""
    blobs, owner = blobs_of(server, tmp_path), new_id("ds")
    command = [sys.executable, "-m", "tests.platform.bucket_process", "write"]
    process = subprocess.Popen([*command, pickle.dumps(blobs).hex(), owner, "400"])
    try:
        deadline = time.monotonic() + 60
        while not any(owner in name for name in server.uploads()):
            assert process.poll() is None, "it has ended"
            assert time.monotonic() < deadline
    finally:
        process.kill()
        process.wait()
    # The small one that it begins with, and no other.
    assert len([name for name in server.names() if owner in name]) == 1
    assert len([name for name in files(tmp_path) if name.startswith(".")]) == 1
    assert blobs.objects.sweep(time.time() - 3600) == (0, 0)
    assert blobs.objects.sweep(time.time() + 1) == (1, 400 * MIB)


def test_copies_make_room(server: Server, tmp_path: Path) -> None:
    """Those handed out longest ago go, but none of the last hour, however full it is."""
    blobs = blobs_of(server, tmp_path, most_bytes=2500)
    keys = [write(blobs, bytes([number]) * 1000) for number in range(5)]
    assert all(blobs.place(key).is_file() for key in keys)
    for hours, key in zip((5, 4, 3), keys[:3], strict=True):
        long_ago = time.time() - hours * 3600
        os.utime(blobs.place(key), (long_ago, long_ago))
    blobs.fetch(keys[0])
    keys.append(write(blobs, b"x" * 1000))
    assert [blobs.place(key).is_file() for key in keys] == [True, False, False, True, True, True]
    assert blobs.fetch(keys[1]).read_bytes() == b"\1" * 1000


def test_a_full_disk_is_told_and_leaves_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it fills while a blob is written or while one is fetched."""
    key = write(blobs_of(server, tmp_path / "other"), b"some text")
    blobs = blobs_of(server, tmp_path / "copies")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ApiError) as told:
        write(blobs, b"more")
    assert told.value.code == "storage_full"
    with pytest.raises(ApiError) as told:
        blobs.fetch(key)
    assert told.value.code == "storage_full"
    assert files(tmp_path / "copies") == []


def test_a_damaged_object_is_not_handed_out(server: Server, tmp_path: Path) -> None:
    """Its bytes are not those of its name."""
    key = f"{new_id('ds')}/{'a' * 64}"
    server.put(f"some/where/blobs/{key}", b"something else")
    blobs = blobs_of(server, tmp_path)
    with pytest.raises(ApiError) as told:
        blobs.fetch(key)
    assert told.value.code == "storage_damaged"
    assert files(tmp_path) == []


class _Stub(ThreadingHTTPServer):
    """Answers every GET with one content, when it is told to; or every request with a status."""

    def __init__(self, status: int, content: bytes = b"") -> None:
        self.status, self.content = status, content
        self.go, self.asked, self.requests = threading.Event(), threading.Event(), 0
        super().__init__(("127.0.0.1", 0), _Answer)

    @property
    def bucket(self) -> Server:
        return Server(f"http://127.0.0.1:{self.server_port}", None)


class _Answer(BaseHTTPRequestHandler):
    server: _Stub

    def do_GET(self) -> None:
        self.server.requests += 1
        self.server.asked.set()
        self.server.go.wait(30)
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.send_header("Last-Modified", "Sat, 28 Nov 2026 20:00:00 GMT")
        self.send_header("ETag", '"1"')
        self.end_headers()
        self.wfile.write(self.server.content)

    do_PUT = do_DELETE = do_GET  # noqa: N815

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def stub(request: pytest.FixtureRequest) -> Iterator[_Stub]:
    stub = _Stub(*request.param)
    thread = threading.Thread(target=stub.serve_forever)
    thread.start()
    yield stub
    stub.shutdown()
    thread.join()
    stub.server_close()


@pytest.mark.parametrize("stub", [(200, b"content")], indirect=True)
async def test_all_who_want_a_blob_share_one_download(stub: _Stub, tmp_path: Path) -> None:
    """Also when the first of them goes away meanwhile; the event loop goes on."""
    blobs = blobs_of(stub.bucket, tmp_path)
    key = f"{new_id('ds')}/{hashlib.sha256(b'content').hexdigest()}"
    first, *others = [asyncio.create_task(blobs.local(key)) for _ in range(20)]
    await asyncio.to_thread(stub.asked.wait, 30)
    first.cancel()
    threaded = asyncio.create_task(asyncio.to_thread(blobs.fetch, key))
    await asyncio.sleep(0.05)
    stub.go.set()
    paths = await asyncio.gather(*others, threaded)
    assert {path.read_bytes() for path in paths} == {b"content"}
    assert stub.requests == 1
    assert first.cancelled()


@pytest.mark.parametrize("stub", [(403,), (404,), (500,)], indirect=True)
async def test_a_bucket_that_fails_is_told_without_its_secrets(stub: _Stub, tmp_path: Path) -> None:
    """Refused, not there, or broken: neither a key nor the address, wherever it is told."""
    stub.go.set()
    blobs, owner = blobs_of(stub.bucket, tmp_path), new_id("ds")
    acts: list[Callable[[], object]] = [
        lambda: write(blobs, b"x"),
        lambda: blobs.delete_owner(owner),
        lambda: blobs.fetch(f"{owner}/{'a' * 64}"),
    ]
    told = [repr(blobs), repr(blobs.objects)]
    with capture_logs() as logs:
        for act in acts:
            with pytest.raises((ApiError, FileNotFoundError)) as raised:
                act()
            told += traceback.format_exception(raised.value)
            if not (stub.status == 404 and act is acts[-1]):
                assert isinstance(raised.value, ApiError)
                assert raised.value.code == "storage_unavailable"
        await blobs.discard(owner)  # raises nothing
    assert logs
    for secret in (SECRET, str(stub.server_port), "127.0.0.1"):
        assert secret not in json.dumps([told, logs])
    assert files(tmp_path) == []


async def test_a_bucket_that_is_away(tmp_path: Path) -> None:
    """Nobody listens at its address."""
    with s3_server() as server:
        pass
    with pytest.raises(ApiError) as told:
        await blobs_of(server, tmp_path).local(f"{new_id('ds')}/{'a' * 64}")
    assert told.value.code == "storage_unavailable"


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("gs://bucket/prefix", {"service_account_key": GOOGLE_KEY}),
        ("az://container/prefix", {"account_name": "name", "account_key": "a2V5"}),
        ("s3://bucket", {"allow_http": "true", "timeout": "30s"}),
    ],
)
def test_stores_of_other_vendors_are_made(
    url: str, options: dict[str, str], tmp_path: Path
) -> None:
    """By the options that obstore has for each; nothing is sent."""
    Bucket(url, options, prefix="blobs", copies=tmp_path, most_bytes=1).open()


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("ftp://bucket", {}),
        ("file:///tmp", {}),
        ("s3://bucket", {"nonsense": SECRET}),
        ("s3://bucket", {"virtual_hosted_style_request": SECRET}),
        ("gs://bucket", {"service_account_key": SECRET}),
    ],
)
def test_settings_that_cannot_be_used(url: str, options: dict[str, str], tmp_path: Path) -> None:
    """They are refused at once, by the names of the options alone."""
    bucket = Bucket(url, options, prefix="blobs", copies=tmp_path, most_bytes=1)
    with pytest.raises(BucketSettingsError) as told:
        bucket.open()
    assert SECRET not in str(told.value)
    assert told.value.__cause__ is None
