"""A service of one's own on a free port of this machine: for the demonstration and benchmarks."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

_START_SECONDS = 60
_END_SECONDS = 30


@dataclass(frozen=True)
class OwnService:
    """A running `medtune serve`: where it is, a client for it, its process, the file it logs to."""

    address: str
    client: httpx.Client
    process: "subprocess.Popen[bytes]"
    log: Path


@contextmanager
def own_service(
    data_dir: Path,
    settings: Mapping[str, str] | None = None,
    *,
    arguments: Sequence[str] = (),
    working_dir: Path | None = None,
) -> Iterator[OwnService]:
    """Start a service on `data_dir`, wait until it is ready, and end it with the block.

    `settings` are environment variables (`MEDTUNE_...`); a `.env` is looked for in `working_dir`,
    by default the data's; `arguments` are more ones of `serve`. Raises RuntimeError if it does not
    start.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = data_dir / "service.log"
    with log.open("ab") as out:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            [sys.executable, "-m", "app.cli", "serve", "--port", str(port), *arguments],
            # None of the user's settings: they may name a database that is in use.
            env={k: v for k, v in os.environ.items() if not k.startswith("MEDTUNE_")}
            | {"MEDTUNE_DATA_DIR": str(data_dir)}
            | dict(settings or {}),
            cwd=working_dir or data_dir,
            stderr=out,
        )
    address = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=address, timeout=120) as client:
        service = OwnService(address, client, process, log)
        try:
            _wait_until_ready(service)
            yield service
        finally:
            process.terminate()
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(service: OwnService) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and service.process.poll() is None:
        try:
            if service.client.get("/readyz").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"the service did not start:\n{service.log.read_text()[-4000:]}")
