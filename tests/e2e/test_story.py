"""The main job over real HTTP in real processes, one of them killed in the middle."""

import signal
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.own_service import own_service
from tests.databases import environment

SAMPLE = Path(str(files("app.corpora") / "sample"))
Json = dict[str, Any]


def wait_for(condition: Callable[[], Any], failure: str, seconds: float = 90) -> Any:
    """What the condition gives, once it gives something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(failure)


def finished(client: httpx.Client, path: str) -> Json:
    """The resource once its job has ended."""

    def ended() -> Json | None:
        resource: Json = client.get(path).json()
        return resource if resource["finished_at"] else None

    resource: Json = wait_for(ended, f"{path} does not end")
    return resource


def create(client: httpx.Client, path: str, **request: Any) -> str:
    """The location of what was created."""
    answer = client.post(path, **request)
    assert answer.status_code == 202, answer.text
    return answer.headers["Location"]


def children(pid: int) -> set[int]:
    """Processes whose parent is `pid`."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.add(int(stat.parent.name))
    return found


def larger_sample(times: int) -> bytes:
    """The sample's training split, several times over under other ids: longer to train on."""
    documents = (SAMPLE / "train.pubtator.txt").read_text().strip().split("\n\n")
    copies = []
    for number in range(times):
        for document in documents:
            own = document.partition("|")[0]
            copies.append(document.replace(own, f"{own}{number:02}"))
    return ("\n\n".join(copies) + "\n").encode()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_killed_training_goes_on_by_itself(tmp_path: Path, database_url: str | None) -> None:
    """kill -9 in the middle of a training; after a restart it succeeds, once, and extracts."""
    with own_service(tmp_path, environment(database_url)) as service:
        client, process = service.client, service.process
        upload = [("file", ("train.pubtator.txt", larger_sample(1)))]
        dataset = finished(client, create(client, "/v1/datasets", files=upload))
        assert dataset["status"] == "ready", dataset
        request: Json = {"dataset_id": dataset["id"]}
        rows = finished(client, create(client, "/v1/training-files", json=request))
        request = {"training_file_id": rows["id"], "hyperparameters": {"preset": "accurate"}}
        location = create(client, "/v1/fine-tunes", json=request)
        wait_for(lambda: client.get(f"{location}/metrics").json()["items"], "no progress")
        assert client.get(location).json()["status"] == "training"
        offspring = children(process.pid)
        assert offspring, "the training has no process of its own"
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        gone = lambda: not any(Path(f"/proc/{pid}").exists() for pid in offspring)  # noqa: E731
        wait_for(gone, "the training outlives the service", 20)

    with own_service(tmp_path, environment(database_url)) as service:
        client = service.client
        fine_tune = finished(client, location)
        assert fine_tune["status"] == "succeeded", fine_tune
        events = [e["type"] for e in client.get(f"{location}/events").json()["items"]]
        assert events[:3] == ["queued", "preparing", "training"]
        assert events[-1] == "succeeded"
        assert "resumed" in events
        assert events.count("succeeded") == 1
        models = client.get("/v1/models").json()["items"]
        assert [m["id"] for m in models if m["kind"] == "tuned"] == [fine_tune["model_id"]]
        text = "A patient developed hepatitis after isoniazid."
        answer = client.post(
            "/v1/extractions", json={"model": fine_tune["model_id"], "text": text}
        ).json()
        for item in answer["diseases"] + answer["chemicals"]:
            for mention in item["mentions"]:
                assert text[mention["start"] : mention["end"]] == item["text"]

    log = (tmp_path / "service.log").read_text()
    assert "isoniazid" not in log
    assert "hepatitis" not in log
