"""An S3 server on this machine: moto's, in a process of its own, spoken to over HTTP."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

BUCKET = "medtune"
# Planted, to be looked for where it must not be.
SECRET = "s3cret-k3y-of-the-bucket"
_START_SECONDS = 60


@dataclass(frozen=True)
class Server:
    """A running server with one empty bucket."""

    address: str
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """For MEDTUNE_BLOB_URL."""
        return f"s3://{BUCKET}/some/where"

    @property
    def options(self) -> dict[str, str]:
        """For MEDTUNE_BLOB_OPTIONS."""
        return {
            "endpoint": self.address,
            "access_key_id": "medtune",
            "secret_access_key": SECRET,
            "region": "us-east-1",
        }

    def names(self) -> list[str]:
        """All objects of the bucket, up to 1,000."""
        return self._listed("list-type=2", "Key")

    def uploads(self) -> list[str]:
        """Uploads in parts that were begun and neither finished nor aborted."""
        return self._listed("uploads", "Key")

    def put(self, name: str, content: bytes) -> None:
        """Put an object there without Medtune."""
        httpx.put(f"{self.address}/{BUCKET}/{name}", content=content).raise_for_status()

    def empty(self) -> None:
        """Remove all objects."""
        for name in self.names():
            httpx.delete(f"{self.address}/{BUCKET}/{name}").raise_for_status()

    def _listed(self, query: str, tag: str) -> list[str]:
        answer = httpx.get(f"{self.address}/{BUCKET}?{query}")
        return sorted(re.findall(f"<{tag}>(.*?)</{tag}>", answer.raise_for_status().text))


@contextmanager
def s3_server() -> Iterator[Server]:
    """Moto's server on a free port, ended with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        env=os.environ | {"MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": str(1 << 20)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    server = Server(f"http://127.0.0.1:{port}", process)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                httpx.put(f"{server.address}/{BUCKET}", timeout=30).raise_for_status()
                break
            except httpx.TransportError:
                assert process.poll() is None, "moto's server has ended"
                assert time.monotonic() < deadline, "moto's server does not start"
                time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        process.wait(20)
