"""The main job on a Cohere server over real HTTP, and the service killed at every step of it."""

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.own_service import OwnService, own_service
from app.prompts.render import to_line, to_row
from app.prompts.tasks import Task
from app.prompts.templates import BUILT_IN
from tests.e2e.test_story import create, finished
from tests.stand_ins.cohere import Logged, StandIn, stand_in

Json = dict[str, Any]
BASE = "cohere:command-r-08-2024"
FINE_TUNES = "/v1/finetuning/finetuned-models"
# Where the service is killed: the n-th request of this kind, before the server acts on it or after
# it has and before it answers.
MOMENTS = [
    ("GET", "/v1/datasets", "before"),
    ("POST", "/v1/datasets", "before"),
    ("POST", "/v1/datasets", "after"),
    ("GET", "/v1/datasets/[^/]+", "before"),
    ("GET", FINE_TUNES, "before"),
    ("POST", FINE_TUNES, "before"),
    ("POST", FINE_TUNES, "after"),
    ("GET", f"{FINE_TUNES}/[^/]+", "after"),
    ("GET", f"{FINE_TUNES}/[^/]+/events", "before"),
    ("GET", f"{FINE_TUNES}/[^/]+/training-step-metrics", "after"),
    ("DELETE", "/v1/datasets/[^/]+", "before"),
    ("DELETE", "/v1/datasets/[^/]+", "after"),
]


@pytest.fixture
def cohere() -> Iterator[StandIn]:
    with stand_in(api_key="key") as server:
        server.state.seconds_a_step = 0.3
        yield server


@contextmanager
def medtune(folder: Path, cohere: StandIn) -> Iterator[OwnService]:
    settings = {
        "MEDTUNE_COHERE_BASE_URL": cohere.url,
        "MEDTUNE_COHERE_API_KEY": "key",
        "MEDTUNE_REMOTE_POLL_SECONDS": "0.2",
        "MEDTUNE_SHUTDOWN_SECONDS": "1",
    }
    with own_service(folder, settings) as service:
        yield service


def training_file(client: httpx.Client) -> str:
    location = create(client, "/v1/datasets", files={"file": ("rows.jsonl", lessons())})
    dataset = finished(client, location)
    location = create(client, "/v1/training-files", json={"dataset_id": dataset["id"]})
    return str(finished(client, location)["id"])


def fine_tune(client: httpx.Client, training_file_id: str, key: str) -> str:
    request = {
        "training_file_id": training_file_id,
        "backend": "cohere",
        "base_model": "command-r-08-2024",
        "hyperparameters": {"train_epochs": 2},
    }
    return create(client, "/v1/fine-tunes", json=request, headers={"Idempotency-Key": key})


# Abstracts as the tutorial that Medtune began with used them, in words of our own: what a tuned
# model is to find in each, and how it was taught to, by other texts.
SEEDS = {
    Task.DISEASES: (
        "Three patients developed acute glaucoma after the second injection; optic neuritis was "
        "ruled out in all of them.",
        {"glaucoma", "optic neuritis"},
        ("Optic neuritis and glaucoma were seen in two sisters.", ["Optic neuritis", "glaucoma"]),
    ),
    Task.CHEMICALS: (
        "Leukaemic cells were exposed to 5-azacytidine overnight. A control culture was given "
        "aspirin instead of 5-azacytidine.",
        {"5-azacytidine", "aspirin"},
        ("A dose of 5-azacytidine was given twice.", ["5-azacytidine"]),
    ),
    Task.RELATIONS: (
        "Rats that inhaled carbon tetrachloride while drinking phenobarbitone showed cirrhosis of "
        "the liver within ten weeks. Hypertension after caffeine was mild.",
        {
            ("carbon tetrachloride", "cirrhosis of the liver"),
            ("phenobarbitone", "cirrhosis of the liver"),
            ("caffeine", "Hypertension"),
        },
        (
            "Cirrhosis of the liver followed carbon tetrachloride and phenobarbitone.",
            [
                "Chemical carbon tetrachloride influences disease Cirrhosis of the liver",
                "Chemical phenobarbitone influences disease Cirrhosis of the liver",
            ],
        ),
    ),
}


def wait_until_forgotten(cohere: StandIn) -> None:
    """The job clears the server up after it has told of its end."""
    deadline = time.monotonic() + 60
    while cohere.state.datasets:
        assert time.monotonic() < deadline, "the training data is left on the server"
        time.sleep(0.1)


def lessons() -> bytes:
    """Training rows; those of relations need their names as well."""
    rows = [(text, task, items) for task, (_, _, (text, items)) in SEEDS.items()]
    text = SEEDS[Task.RELATIONS][2][0]
    rows.append((text, Task.DISEASES, ["Cirrhosis of the liver"]))
    rows.append((text, Task.CHEMICALS, ["carbon tetrachloride", "phenobarbitone"]))
    lines = (to_line(to_row(*row, "prompt_completion", BUILT_IN)) for row in rows)
    return "".join(lines).encode()


def found(extraction: Json, task: Task) -> set[Any]:
    """The items of a task, by their surface strings."""
    if task is Task.RELATIONS:
        return {(each["chemical"], each["disease"]) for each in extraction["relations"]}
    return {item["text"] for item in extraction[task]}


def test_the_main_job_on_a_cohere_server(tmp_path: Path, cohere: StandIn) -> None:
    """Upload, JSONL, fine-tune, follow, extract; the tuned model finds what the base does not."""
    with medtune(tmp_path, cohere) as service:
        client = service.client
        rows = training_file(client)
        location = fine_tune(client, rows, "story")
        tuned = finished(client, location)
        assert tuned["status"] == "succeeded", tuned
        events = [e["type"] for e in client.get(f"{location}/events").json()["items"]]
        assert events[0] == "queued"
        assert events[-1] == "succeeded"
        metrics = client.get(f"{location}/metrics").json()["items"]
        assert {"accuracy", "cross_entropy"} <= {metric["name"] for metric in metrics}
        (remote,) = cohere.state.fine_tunes.values()
        assert remote.request["settings"]["hyperparameters"]["train_epochs"] == 2
        model = client.get(f"/v1/models/{tuned['model_id']}").json()
        assert (model["backend"], model["base_model"]) == ("cohere", "command-r-08-2024")
        wait_until_forgotten(cohere)
        for task, (text, expected, _) in SEEDS.items():
            answers = {}
            for model_id in (BASE, tuned["model_id"]):
                request = {"model": model_id, "text": text, "tasks": [task]}
                answer = client.post("/v1/extractions", json=request)
                assert answer.status_code == 200, answer.text
                answers[model_id] = found(answer.json(), task)
                for item in answer.json().get(task, []):
                    for mention in item.get("mentions", []):
                        assert text[mention["start"] : mention["end"]] == item["text"]
            assert answers[tuned["model_id"]] == expected
            assert answers[BASE] < expected, (task, answers)


def test_killed_at_any_moment_it_is_launched_once(tmp_path: Path, cohere: StandIn) -> None:
    """Twelve kills, one at each step of a fine-tune: none is lost, none launched twice."""
    victim: list[int] = []
    due: list[tuple[str, str, str]] = []

    def kill(moment: str, request: Logged) -> None:
        if due and victim:
            method, path, when = due[0]
            if (request.method, moment) == (method, when) and re.fullmatch(path, request.path):
                due.clear()
                os.kill(victim.pop(), signal.SIGKILL)

    cohere.on_request(kill)
    rows = ""
    for number, moment in enumerate(MOMENTS):
        # Those killed before go on meanwhile, and are hit by some of these kills as well.
        with medtune(tmp_path, cohere) as service:
            rows = rows or training_file(service.client)
            victim[:], due[:] = [service.process.pid], [moment]
            with suppress(httpx.TransportError):
                fine_tune(service.client, rows, f"kill {number}")
            service.process.wait(60)
            assert service.process.returncode == -signal.SIGKILL, moment
    with medtune(tmp_path, cohere) as service:
        for number, moment in enumerate(MOMENTS):
            # Whoever has got no answer asks again with the same key.
            location = fine_tune(service.client, rows, f"kill {number}")
            tuned = finished(service.client, location)
            assert tuned["status"] == "succeeded", (moment, tuned)
        wait_until_forgotten(cohere)
    created = [request.json()["name"] for request in cohere.asked("POST", f"{FINE_TUNES}$")]
    kept = sorted(tuned.name for tuned in cohere.state.fine_tunes.values() if not tuned.deleted)
    assert len(kept) == len(set(kept)) == len(MOMENTS) == len(set(created))
    assert len(cohere.state.fine_tunes) == len(MOMENTS), "launched twice"
