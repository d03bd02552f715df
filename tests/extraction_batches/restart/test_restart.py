"""Batches of a service that is killed: every text answered once, in order, as without the kills."""

import json
import os
import signal
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from app.own_service import OwnService, own_service
from tests.backends.openai.server import Fault, Port, completion
from tests.databases import NewDatabase, environment
from tests.e2e.test_story import finished, wait_for

PATH = "/v1/extraction-batches"
TEXTS = 60
SHARD = 4
CONTENT = "".join(
    json.dumps({"id": f"d{n}", "text": f"Case {n}: haloperidol and clozapine."}) + "\n"
    if n % 7
    else "no JSON\n"
    for n in range(TEXTS)
).encode()


def send(client: httpx.Client) -> str:
    form = {"model": "openai:base", "tasks": "chemicals", "options": '{"mode": "list"}'}
    answer = client.post(PATH, data=form, files={"file": ("texts.jsonl", CONTENT)})
    assert answer.status_code == 202, answer.text
    return answer.headers["Location"]


def results(client: httpx.Client, location: str) -> bytes:
    answer = client.get(f"{location}/results")
    assert answer.status_code == 200, answer.text
    return answer.content


def kill(service: OwnService) -> None:
    os.kill(service.process.pid, signal.SIGKILL)
    service.process.wait(10)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_each_text_once_and_in_order_after_kills(
    tmp_path: Path, port: Port, new_database: NewDatabase
) -> None:
    """kill -9 while the input is read and while texts are asked about."""
    with new_database() as url, ExitStack() as stack:
        settings = {
            "MEDTUNE_OPENAI_BASE_URL": port.url,
            "MEDTUNE_SHARD_DOCUMENTS": str(SHARD),
            "MEDTUNE_HEARTBEAT_SECONDS": "0.3",
            "MEDTUNE_WORKER_LOST_SECONDS": "2",
            **environment(url),
        }
        said = json.dumps(completion("- haloperidol\n- clozapine\n"))
        port.server.fault = Fault(200, said, delay=0.2)
        service = stack.enter_context(own_service(tmp_path, settings))
        location = send(service.client)
        kill(service)
        service = stack.enter_context(own_service(tmp_path, settings))
        until(service.client, location, 0.3)
        kill(service)
        port.server.fault = None
        service = stack.enter_context(own_service(tmp_path, settings))
        batch = finished(service.client, location)
        assert batch["status"] == "succeeded", batch
        assert (batch["documents"], batch["failed"]) == (TEXTS, 9)
        assert batch["succeeded"] == TEXTS - 9
        undisturbed = send(service.client)
        assert finished(service.client, undisturbed)["status"] == "succeeded"
        lines = results(service.client, location)
        assert lines == results(service.client, undisturbed)
        indexes = [json.loads(line)["index"] for line in lines.splitlines()]
        assert indexes == list(range(TEXTS))
        # Nothing is left of what was cut off, but for what the end of a process leaves.
        kept = list((tmp_path / "blobs" / batch["id"]).glob("[0-9a-f]*"))
        assert len(kept) == 2 * -(-TEXTS // SHARD)
    assert '"level": "error"' not in (tmp_path / "service.log").read_text()


def until(client: httpx.Client, location: str, progress: float) -> None:
    """Wait until so much is done."""
    wait_for(lambda: client.get(location).json()["progress"] >= progress, "no progress")
