"""`medtune worker` says no word of what its jobs work on, whether they succeed, fail or break."""

import json
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.api.conftest import QUICK, SAMPLE, Json
from tests.e2e.test_story import children, create, finished, wait_for
from tests.postgres import Postgres
from tests.privacy.marks import Marks
from tests.privacy.test_markers import MODEL, pubtator
from tests.privacy.world import World, world
from tests.stand_ins.cohere import Fault
from tests.worker import worker

QUEUES = "short,batches,evaluations,notifications,train,extract"
_NAMES = ("first", "second")
SOON = {
    "MEDTUNE_HEARTBEAT_SECONDS": "0.3",
    "MEDTUNE_WORKER_LOST_SECONDS": "2",
    "MEDTUNE_REMOTE_TIMEOUT_SECONDS": "60",
}


def job(here: World, path: str, **request: object) -> Json:
    """What became of it."""
    return finished(here.client, create(here.client, path, **request))


def upload(here: World, content: bytes, **form: object) -> str:
    """The location of a dataset of one file."""
    files = {"file": (here.marks.name("file"), content)}
    form |= {"name": here.marks.name("dataset")}
    return create(here.client, "/v1/datasets", files=files, data=form)


def vocabulary(here: World, content: str) -> str:
    """The location of one."""
    files = {"file": (here.marks.name("names") + ".tsv", content.encode())}
    form = {"name": here.marks.name("vocabulary"), "type": "Chemical"}
    return create(here.client, "/v1/vocabularies", files=files, data=form)


def lines(marks: Marks) -> bytes:
    """Of a batch, the last one cut off."""
    whole = [
        json.dumps({"id": marks.id("a line"), "text": f"{marks.text('a line')} helps."})
        for _ in range(4)
    ]
    return "\n".join([*whole, f"{{{marks.text('no line')}"]).encode()


def batch(here: World, model: str) -> str:
    """The location of one whose texts are not stored."""
    form = {"model": model, "name": here.marks.name("batch"), "store_text": "false"}
    files = {"file": (here.marks.name("lines"), lines(here.marks))}
    return create(here.client, "/v1/extraction-batches", files=files, data=form)


def succeeding(here: World) -> None:
    """From documents and names to a tuned model, what it is worth, and what it answers."""
    marks = here.marks
    sample = (SAMPLE / "train.pubtator.txt").read_text("utf-8").split("\n\n")[:12]
    document = pubtator(marks, marks.id("a document"))
    content = document + b"\n" + "\n\n".join(sample).encode() + b"\n"
    concepts = f"ZQ:{marks.text('an identifier')}\t{marks.text('a concept')}\n"
    made = upload(here, content, split="train"), vocabulary(here, concepts)
    dataset, names = (finished(here.client, location) for location in made)
    rows = job(here, "/v1/training-files", json={"dataset_id": dataset["id"]})
    asked = {"training_file_id": rows["id"], "hyperparameters": QUICK, "name": marks.name("tuning")}
    asked["vocabularies"] = [names["id"]]
    tuned = job(here, "/v1/fine-tunes", json=asked)
    assert tuned["status"] == "succeeded", tuned
    models = ["local:rules", tuned["model_id"]]
    about = {"dataset_id": dataset["id"], "models": models, "resamples": 100, "split": "train"}
    about |= {"name": marks.name("evaluation")}
    begun = create(here.client, "/v1/evaluations", json=about), batch(here, tuned["model_id"])
    measured, answered = (finished(here.client, location) for location in begun)
    assert (answered["succeeded"], answered["failed"]) == (4, 1)
    ends = [each["status"] for each in (dataset, names, rows, measured, answered)]
    assert ends == ["ready"] * 3 + ["succeeded"] * 2


def failing(here: World, process: int) -> None:
    """What cannot be read, a server that says back what it was asked, and jobs that break."""
    marks = here.marks
    dataset = finished(here.client, upload(here, pubtator(marks), split="train"))
    for file in (here.folder / "data" / "blobs" / dataset["id"]).iterdir():
        file.unlink()
    echo = marks.text("a server's error")
    # No batches there, which would take their time: each text is asked about.
    here.server.faults.add("/v2/batches", Fault.error(404, echo), times=9)
    here.server.faults.add("/v2/chat", Fault.error(400, echo), times=99)
    id_ = marks.id("a bad document")
    mismatch = f"{id_}\t7\t3\t{marks.text('bad')}\tDisease\tD1\n".encode()
    fail = [
        batch(here, MODEL),
        create(here.client, "/v1/training-files", json={"dataset_id": dataset["id"]}),
        upload(here, f"1|t|{marks.text('no PubTator')}\nx".encode(), format="pubtator"),
        upload(here, pubtator(marks, id_) + mismatch, format="pubtator"),
        upload(here, f"{marks.text('no UTF-8')}\xff".encode("latin-1"), format="pubtator"),
        vocabulary(here, f"ZQ:1\t{marks.text('a concept')}\n{{{marks.text('no concept')}\t\0"),
    ]
    ended = [finished(here.client, location) for location in fail]
    assert ended.pop(0)["failed"] == 5
    assert {each["status"] for each in ended} == {"failed"}
    broken = upload(here, pubtator(marks) * 2)
    for child in children(process):
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    finished(here.client, broken)


def killed(here: World, process: int) -> str:
    """The location of a batch that was being asked about when the worker died."""
    server, marks = here.server, here.marks
    server.faults.clear()
    server.reply = lambda _system, _user: f"- {marks.text('an answer')}\n"
    server.faults.add("/v2/chat", Fault.slow(5), times=99)
    asked = len(server.log)
    location = batch(here, MODEL)
    wait_for(lambda: len(server.log) > asked, "nothing is asked")
    os.kill(process, signal.SIGKILL)
    server.faults.clear()
    server.faults.add("/v2/batches", Fault.error(404, marks.text("no batches")), times=9)
    return location


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def probed(here: World, port: int) -> set[str]:
    """The marks in what the worker answers to probes, and to what is none of them."""
    junk = here.marks.junk
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        numbers = client.get("/metrics")
        assert "medtune" in numbers.text
        answers = [numbers, client.get("/readyz")]
        for path in ("/healthz", f"/{junk('path')}"):
            headers = {"X-Request-Id": f"<{junk('id')}>", junk("header"): junk("value")}
            query = {junk("query"): junk("value")}
            body = junk("body").encode()
            answers.append(client.post(path, params=query, headers=headers, content=body))
    said = (answer.text + str(answer.headers) for answer in answers)
    return {f"{place} in a probe" for text in said for place in here.marks.found(text)}


def executors(url: str) -> set[str]:
    """Names of the processes that have run jobs, without what makes each unlike all others."""
    query = "SELECT DISTINCT executor_id FROM dbos.workflow_status"
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        return {str(name).rpartition("-")[0] for (name,) in connection.execute(query)}


def test_a_worker_says_no_word(
    tmp_path: Path, postgres: Postgres, migrated: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither in its log, which its processes share, nor in numbers, traces, tables and probes.

    Those that read and write files are mute; what breaks in them, the worker tells.
    """
    port = free_port()
    with (
        postgres.database(migrated) as url,
        world(tmp_path, url, SOON, ["--no-worker"]) as here,
    ):
        data = tmp_path / "data"
        probes = ("--health-port", str(port))
        first, second = ({**here.settings, "MEDTUNE_WORKER_NAME": name} for name in _NAMES)
        with worker(data, first, "--queues", QUEUES, *probes) as process:
            succeeding(here)
            failing(here, process.pid)
            found = here.shown(url) | probed(here, port)
            interrupted = killed(here, process.pid)
        with worker(data, second, "--queues", QUEUES) as process:
            assert finished(here.client, interrupted)["succeeded"] == 4
            process.terminate()
            assert process.wait(60) == 0
        assert executors(url) == {*_NAMES}
    found |= here.written()
    log = (data / "worker.log").read_bytes()
    broke = [json.loads(line) for line in log.splitlines() if b'"job_step_broke"' in line]
    assert "tf_" in {line["id"][:3] for line in broke}, broke
    assert b'"lost_jobs_given_back"' in log
    found |= {f"{place} in the worker's log" for place in here.marks.found(log)}
    found |= {f"{place} on standard output" for place in here.marks.found(capfd.readouterr().out)}
    assert not found, "\n".join(sorted(found))
