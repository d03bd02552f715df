"""No word of a client is where it should not be: logs, tables, metrics, traces, refusals.

Every call is asked with good input and with input that is refused in all ways it may be; each word
that is sent is there once in the world, and is looked for everywhere afterwards.
"""

import json
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from app.main import create_app
from app.own_service import OwnService, own_service
from app.platform.settings import Settings
from tests.databases import environment
from tests.e2e.test_story import children, create, finished
from tests.keys.keyed import ADMIN_KEY
from tests.platform.otlp_receiver import Receiver, receiver
from tests.privacy.marks import Marks, cells
from tests.stand_ins.cohere import Fault, StandIn, stand_in
from tests.workspaces.routes import Call, calls

MODEL = "cohere:command-a-03-2025"
# Columns that are there for what clients call their things; docs/privacy.md lists them, too.
NAMES = {
    "datasets.name",
    "dataset_files.filename",
    "dataset_splits.name",
    "training_files.splits",
    "vocabularies.name",
    "vocabularies.files",
    "evaluations.name",
    "evaluations.splits",
    "extraction_batches.name",
    "extraction_batches.splits",
    "fine_tunes.name",
    "models.name",
    "model_aliases.name",
    "audit_events.subject_id",  # of an alias, which has no id
    "api_keys.name",
    "notification_targets.name",
    "notification_targets.address",
    "notification_targets.secret",  # messages are signed with it
    "notifications.data",  # a message says the name of what it is about
    "idempotency_keys.key",
    "idempotency_keys.body",  # the answer that is repeated, for a week
}
# A refusal points at the key that is not known, and says which model there is not.
_POINTED_AT = ("junk: key of", "junk: model of")
# Calls that end the login or the key that all others need.
_NOT_ASKED = {"/logout"}


@dataclass
class World:
    """A service with keys, a server it asks, and what both have said."""

    service: OwnService
    server: StandIn
    traces: Receiver
    folder: Path
    marks: Marks = field(default_factory=Marks)
    said: set[str] = field(default_factory=set)

    @property
    def client(self) -> httpx.Client:
        """Asks with the key of the settings."""
        return self.service.client

    def refused(self, answer: httpx.Response) -> httpx.Response:
        """Note which marks are in a refusal that should have none; it may say what is not there."""
        whole = answer.text + json.dumps(list(answer.headers.items()))
        asked = f"{answer.request.method} {answer.request.url.path} {answer.status_code}"
        if answer.is_success or "html" in answer.headers.get("content-type", ""):
            return answer  # lists have names, and a form shows again what was typed into it
        places = {p for p in self.marks.found(whole) if not p.startswith(_POINTED_AT)}
        self.said |= {f"{place} in the answer to {asked}" for place in places}
        return answer


@contextmanager
def world(folder: Path, url: str | None) -> Iterator[World]:
    data, tmp = folder / "data", folder / "tmp"
    data.mkdir()
    tmp.mkdir()
    with stand_in() as server, receiver() as traces:
        settings = environment(url) | {
            "MEDTUNE_LOG_LEVEL": "DEBUG",
            "MEDTUNE_ADMIN_KEY": ADMIN_KEY,
            "MEDTUNE_OTLP_ENDPOINT": traces.url.removesuffix("/v1/traces"),
            "MEDTUNE_COHERE_BASE_URL": server.url,
            "MEDTUNE_COHERE_API_KEY": "zqcoherekey",
            "MEDTUNE_REMOTE_ATTEMPTS": "1",
            "MEDTUNE_REMOTE_TIMEOUT_SECONDS": "1",
            "MEDTUNE_MAX_TEXT_CHARACTERS": "2000",
            "MEDTUNE_NOTIFY_PRIVATE": "true",
            "TMPDIR": str(tmp),
            "PYTHONFAULTHANDLER": "1",
        }
        with own_service(data, settings) as service:
            service.client.headers["Authorization"] = f"Bearer {ADMIN_KEY}"
            yield World(service, server, traces, folder)


def bodies(marks: Marks, call: Call) -> Iterator[dict[str, Any]]:
    """Requests that no call takes: their parts in the words of httpx."""

    def junk(what: str) -> str:
        return marks.junk(f"{what} of {call}")

    yield {"content": b""}
    for kind in ("application/json", "text/plain", junk("content type")):
        yield {
            "content": f'{{"{junk("half of a key")}": "{junk("half of a value")}'.encode(),
            "headers": {"Content-Type": kind},
        }
    yield {"content": f'"{junk("bytes")}'.encode() + b"\xff", "headers": {"Content-Type": "json"}}
    yield {"json": [junk("item")]}
    yield {"json": {junk("key"): junk("value"), "model": {junk("inner key"): 1}, "text": 1}}
    wrong = ("model", "text", "name", "dataset_id", "training_file_id", "message", "prompt")
    yield {"json": {name: junk(name) for name in wrong} | {"options": {"mode": junk("mode")}}}
    yield {"json": {"model": "local:rules", "text": junk("long text") + "x" * 3000}}
    yield {"json": {"models": [junk("model")] * 2, "dataset_id": "ds_0", "tasks": [junk("task")]}}
    messages = [{"role": junk("role"), "content": junk("content")}]
    yield {"json": {"model": junk("model"), "messages": messages, "scope": junk("scope")}}
    yield {"json": {"kind": "webhook", "address": f"http://{junk('host')}.invalid/", "name": ""}}
    yield {
        "data": {junk("field"): junk("value of a field"), "model": junk("model of a form")},
        "files": {junk("field of a file"): (junk("file name"), junk("file").encode())},
    }
    yield {
        "data": {"format": junk("format"), "options": "{" + junk("options"), "tasks": junk("task")},
        "files": {"file": (junk("file name"), b"")},
    }
    yield {"data": {junk("form key"): junk("form value"), "csrf": junk("token")}}


def refuse_all(world: World, every: Sequence[Call]) -> None:
    """Ask each call what it does not take, with all parts it may be refused for."""
    marks = world.marks
    for call in every:
        if call.path in _NOT_ASKED:
            continue
        for number, body in enumerate(bodies(marks, call)):
            if call.method == "GET" and number:
                break
            path = call.at(**dict.fromkeys(call.parameters, "not-there"))
            query = {"cursor": "", "limit": "", "format": "", marks.junk(f"query of {call}"): ""}
            query = {key: marks.junk(f"{key} in {call}") for key in query} if number % 2 else {}
            headers = {"Idempotency-Key": marks.junk(f"key of {call}") * 30} if number % 3 else {}
            headers |= {"X-Junk": marks.junk(f"header of {call}"), **body.pop("headers", {})}
            headers |= {"X-Request-Id": f"<{marks.junk(f'request id of {call}')}>"}
            if number == 2:
                headers["Authorization"] = f"Bearer {marks.junk(f'secret of {call}')}"
            world.refused(
                world.client.request(call.method, path, params=query, headers=headers, **body)
            )


def pubtator(marks: Marks) -> bytes:
    """One document, its id and its words marked."""
    drug, disease = marks.text("a chemical of a dataset"), marks.text("a disease of a dataset")
    title = f"{drug} and {disease}."
    end = len(drug) + 5
    return (
        f"1|t|{title}\n1|a|{marks.text('an abstract')} of it.\n"
        f"1\t0\t{len(drug)}\t{drug}\tChemical\tD1\n"
        f"1\t{end}\t{end + len(disease)}\t{disease}\tDisease\tD2\n1\tCID\tD1\tD2\n"
    ).encode()


def use_all(world: World) -> None:
    """The main job, well and badly, with a server that answers, refuses and is late."""
    marks, client, server = world.marks, world.client, world.server
    name = marks.name
    secret = name("a webhook's secret") + "0123456789abcdef" * 2
    hook = {"kind": "webhook", "address": f"{server.url}/{name('hook')}", "name": name("target")}
    client.post("/v1/notification-targets", json=hook)
    client.post("/v1/notification-targets", json=hook | {"secret": secret})
    client.post("/v1/keys", json={"name": name("a key"), "scope": "read"})
    good = [("file", (name("file"), pubtator(marks)))]
    dataset = finished(
        client,
        create(
            client, "/v1/datasets", files=good, data={"name": name("dataset"), "split": "train"}
        ),
    )
    assert dataset["status"] == "ready", dataset
    for content in (f"1|t|{marks.text('no PubTator')}\nx", f'{{"{marks.text("no JSON")}'):
        bad = [("file", (name("bad file"), content.encode()))]
        location = create(client, "/v1/datasets", files=bad, data={"format": "pubtator"})
        assert finished(client, location)["status"] == "failed"
        client.get(f"{location}/report")
    about = {"dataset_id": dataset["id"]}
    tuning = finished(client, create(client, "/v1/training-files", json=about))
    named = {"training_file_id": tuning["id"], "backend": "cohere", "name": name("fine-tune")}
    once = {"Idempotency-Key": name("idempotency key")}
    client.post("/v1/fine-tunes", json=named, headers=once)
    client.put(f"/v1/model-aliases/{name('alias')}", json={"model": MODEL})
    words = f"{marks.text('a line of a vocabulary')}\t{marks.text('a name of a concept')}\n"
    client.post(
        "/v1/vocabularies",
        files={"file": (name("tsv") + ".tsv", words.encode())},
        data={"name": name("vocabulary"), "type": "Disease"},
    )

    def say(_system: str, _user: str) -> str:
        return f"- {marks.text('an answer of a model')}\n"

    def extract() -> httpx.Response:
        asked = {"model": MODEL, "text": f"{marks.text('a text')} helps.", "tasks": ["diseases"]}
        return client.post("/v1/extractions", json=asked)

    server.reply = say
    assert extract().status_code == 200
    echo = marks.text("a server's error")
    for fault in (
        Fault.error(400, echo),
        Fault.error(500, echo),
        Fault.error(404, echo),
        Fault.answer(f'{{"{echo}": "'.encode()),
        Fault.answer(f'{{"message": {{"content": "{echo}"}}}}'.encode()),
        Fault.too_many(),
        Fault.cut(),
        Fault.slow(1.5),
    ):
        server.faults.add(r"/v\d/(chat|models)", fault)
        world.refused(extract())
        server.faults.clear()
        server.faults.add(r"/v\d/chat", fault)
        said = {"role": "user", "content": marks.text("a message")}
        chat = {"model": "command-a-03-2025", "messages": [said]}
        for path, body in (
            ("/cohere/v2/chat", chat),
            ("/cohere/v2/chat", chat | {"stream": True}),
            ("/cohere/v1/generate", {"prompt": marks.text("a prompt")}),
        ):
            client.post(path, json=body)
        server.faults.clear()
    for keep in ("true", "false"):
        server.faults.add(r"/v\d/chat", Fault.error(400, echo), times=2)
        lines = [
            {"id": marks.name("an id of a line"), "text": f"{marks.text('a line')} of a batch."}
            for _ in range(4)
        ]
        content = "\n".join(json.dumps(line) for line in lines) + f"\n{{{marks.text('a bad line')}"
        form = {"model": MODEL, "tasks": "diseases", "name": name("batch"), "store_text": keep}
        files = {"file": (name("jsonl"), content.encode())}
        location = create(client, "/v1/extraction-batches", data=form, files=files)
        finished(client, location)
        failures = client.get(f"{location}/failures")
        assert not {place for place in marks.found(failures.text) if "name:" not in place}
        server.faults.clear()
    wanted = {"models": ["local:rules", MODEL], "name": name("evaluation"), "split": "train"}
    finished(client, create(client, "/v1/evaluations", json=about | wanted))
    broken(world, dataset["id"])


def broken(world: World, dataset_id: str) -> None:
    """Reading that is killed, and files that somebody else has removed."""
    files = [("file", ("big", pubtator(world.marks) * 2))]
    location = create(world.client, "/v1/datasets", files=files)
    for child in children(world.service.process.pid):
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    finished(world.client, location)
    for file in (world.folder / "data" / "blobs" / dataset_id).iterdir():
        file.unlink()
    answer = world.refused(world.client.get(f"/v1/datasets/{dataset_id}/documents"))
    assert not answer.is_success
    path = "/v1/training-files"
    finished(world.client, create(world.client, path, json={"dataset_id": dataset_id}))


def test_no_word_is_where_it_should_not_be(tmp_path: Path, database_url: str | None) -> None:
    """After all calls, well and badly asked."""
    every = calls(create_app(Settings(data_dir=tmp_path / "unused", _env_file=None)))
    with world(tmp_path, database_url) as here:
        use_all(here)
        refuse_all(here, every)
        marks, pid = here.marks, here.service.process.pid
        found = set(here.said)
        numbers = here.client.get("/metrics")
        assert numbers.status_code == 200
        found |= {f"{place} in a metric" for place in marks.found(numbers.text)}
        for process in (pid, *children(pid)):
            arguments = Path(f"/proc/{process}/cmdline").read_bytes()
            found |= {f"{place} in a process's arguments" for place in marks.found(arguments)}
        for column, value in cells(tmp_path / "data", database_url):
            places = marks.found(value)
            if column in NAMES:
                places = {place for place in places if not place.startswith("name:")}
            found |= {f"{place} in {column}" for place in places}
    for line in here.service.log.read_bytes().splitlines():
        found |= {f"{place} in the log: {line[:300]!r}" for place in marks.found(line)}
    for span in here.traces.raw:
        found |= {f"{place} in a trace" for place in marks.found(span)}
    assert here.traces.raw
    left = [path for path in (tmp_path / "tmp").rglob("*") if path.is_file()]
    found |= {f"{place} in {path}" for path in left for place in marks.found(path.read_bytes())}
    assert ADMIN_KEY.encode() not in here.service.log.read_bytes()
    assert not found, "\n".join(sorted(found))
