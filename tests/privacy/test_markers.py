"""No word of a client is where it should not be: logs, tables, metrics, traces, refusals.

Every call is asked with good input and with input that is refused in all ways it may be; each word
that is sent is there once in the world, and is looked for everywhere afterwards.
"""

import json
import os
import re
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.keys.doorkeeper import SESSION_COOKIE
from app.main import create_app
from app.platform.settings import Settings
from app.prompts.tasks import Task
from app.prompts.templates import BUILT_IN
from tests.e2e.test_story import children, create, finished, wait_for
from tests.privacy.doors import Doors
from tests.privacy.marks import Marks
from tests.privacy.refusing import refuse_all
from tests.privacy.world import World, world
from tests.stand_ins.cohere import Fault
from tests.workspaces.routes import calls

MODEL = "cohere:command-a-03-2025"
MARKED = re.compile(r"zqtext\d+q")
LISTED = BUILT_IN.wording(Task.DISEASES)


def pubtator(marks: Marks, id_: str = "1") -> bytes:
    """One document, its id and its words marked."""
    drug, disease = marks.text("a chemical of a dataset"), marks.text("a disease of a dataset")
    title = f"{drug} and {disease}."
    end = len(drug) + 5
    return (
        f"{id_}|t|{title}\n{id_}|a|{marks.text('an abstract')} of it.\n"
        f"{id_}\t0\t{len(drug)}\t{drug}\tChemical\tD1\n"
        f"{id_}\t{end}\t{end + len(disease)}\t{disease}\tDisease\tD2\n{id_}\tCID\tD1\tD2\n"
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
    document = marks.id("of a document of a dataset")
    good = [("file", (name("file"), pubtator(marks, document)))]
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
    of_documents(world, dataset["id"], document)
    about = {"dataset_id": dataset["id"]}
    tuning = finished(client, create(client, "/v1/training-files", json=about))
    named = {"training_file_id": tuning["id"], "backend": "cohere", "name": name("fine-tune")}
    once = {"Idempotency-Key": name("idempotency key")}
    client.post("/v1/fine-tunes", json=named, headers=once)
    client.put(f"/v1/model-aliases/{name('alias')}", json={"model": MODEL})
    words = (
        f"ZQ:{marks.text('an identifier of a vocabulary')}\t{marks.text('a name of a concept')}\n"
    )
    half = words + f"{marks.text('an identifier')}\n{{{marks.text('no line of a vocabulary')}\t\0"
    for content in (words, half):
        location = create(
            client,
            "/v1/vocabularies",
            files={"file": (name("tsv") + ".tsv", content.encode())},
            data={"name": name("vocabulary"), "type": "Disease"},
        )
        finished(client, location)

    def say(_system: str, user: str) -> str:
        items = [marks.text("an answer of a model"), *MARKED.findall(user)[:1]]
        return json.dumps({"diseases": items, "chemicals": items, "relations": []})

    def extract() -> httpx.Response:
        asked = {"model": MODEL, "text": f"{marks.text('a text')} helps.", "tasks": ["diseases"]}
        return client.post("/v1/extractions", json=asked)

    server.reply = say
    found = marks.found(extract().text)
    assert found == {"text: an answer of a model", "text: a text"}
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
            # Of a server's own models its answers are passed on as they are.
            world.refused(client.post(path, json=body), "text: a server's error")
        server.faults.clear()
    for keep, together in (("false", True), ("false", False), ("true", False)):
        server.state.batches_offered = together
        server.faults.add(r"/v\d/chat", Fault.error(400, echo), times=2)
        lines = [
            {"id": marks.id("of a line of a batch"), "text": f"{marks.text('a line')} of a batch."}
            for _ in range(4)
        ]
        content = "\n".join(json.dumps(line) for line in lines) + f"\n{{{marks.text('a bad line')}"
        form = {"model": MODEL, "tasks": "diseases", "name": name("batch"), "store_text": keep}
        files = {"file": (name("jsonl"), content.encode())}
        location = create(client, "/v1/extraction-batches", data=form, files=files)
        batch = finished(client, location)
        assert (batch["succeeded"], batch["failed"]) == ((4, 1) if together else (2, 3)), batch
        if keep == "false":
            world.said |= kept(world, location.rpartition("/")[2])
        failures = client.get(f"{location}/failures")
        assert not {place for place in marks.found(failures.text) if "id:" not in place}
        server.faults.clear()
    wanted = {"models": ["local:rules", MODEL], "name": name("evaluation"), "split": "train"}
    finished(client, create(client, "/v1/evaluations", json=about | wanted))
    server.faults.add(r"/v\d/chat", Fault.error(401, echo), times=99)
    refused = finished(client, create(client, "/v1/evaluations", json=about | wanted))
    assert refused["status"] == "failed"
    server.faults.clear()
    trained(world, tuning["id"])
    over = about | {"model": "local:rules"}
    finished(client, create(client, "/v1/extraction-batches", json=over))
    broken(world, dataset["id"])


def kept(world: World, batch_id: str) -> set[str]:
    """Which texts there are of a batch that has ended and keeps none: ids of lines alone."""
    marks, folder = world.marks, world.folder / "data" / "blobs" / batch_id

    def places() -> set[str]:
        # What has just been deleted may be gone before it is read.
        with suppress(FileNotFoundError):
            found = [each for blob in folder.iterdir() for each in marks.found(blob.read_bytes())]
            return {each for each in found if not each.startswith("id: ")}
        return {"folder that changes"}

    with suppress(AssertionError):
        wait_for(lambda: not places(), "texts stay", 20)
    return {f"{place} in the blobs of a batch that keeps no text" for place in places()}


def of_documents(world: World, dataset_id: str, document: str) -> None:
    """Documents that are bad, there already, corrected, looked at, and those that are not there."""
    marks, client = world.marks, world.client
    twice, bad = marks.id("of a document that is there twice"), marks.id("of a bad document")
    content = pubtator(marks, twice) + b"\n" + pubtator(marks, twice) + b"\n"
    content += f"{bad}|t|{marks.text('a title')}\n{bad}\t9\t3\t{bad}\tDisease\tD1\n\n".encode()
    files = [("file", (marks.name("bad file"), content))]
    location = create(client, "/v1/datasets", files=files, data={"format": "pubtator"})
    assert finished(client, location)["status"] == "failed"
    report = client.get(f"{location}/report").text
    assert marks.found(report) >= {"id: of a document that is there twice"}
    revised: dict[str, Any] = {"split": "train", "title": f"{marks.text('a corrected title')}."}
    mention = {"start": 5, "end": 2, "type": "Disease", "text": marks.text("a wrong mention")}
    path = f"/v1/datasets/{dataset_id}/revisions"
    for id_, mentions in ((document, []), (marks.id("of a wrong correction"), [mention])):
        corrected = {"documents": [revised | {"id": id_, "mentions": mentions}]}
        finished(client, create(client, path, json=corrected))
    for wrong in ({"id": marks.id("refused"), "split": marks.junk("a split")}, {"id": 1}):
        world.refused(client.post(path, json={"documents": [revised | wrong]}))
    for asked in (document, marks.id("that is not there")):
        client.get(f"/datasets/{dataset_id}/documents", params={"cursor": asked, "split": asked})
        world.refused(client.get(f"/v1/datasets/{dataset_id}/documents/{asked}"))
        form = {"document_id": asked, "action": "save", "target": f"{dataset_id}:train"}
        form |= {"text": marks.text("a form's text"), "base": dataset_id}
        client.post("/playground/corrections", data=form)


def with_keys(doors: Doors) -> None:
    """A key and a webhook's secret that are shown once, and a login that is made with the key."""
    client, name = doors.world.client, doors.world.marks.name
    hook = {"kind": "webhook", "address": f"{doors.world.server.url}/{name('hook')}"}
    target = client.post("/v1/notification-targets", json=hook | {"name": name("target")}).json()
    doors.secrets[target["secret"]] = "secret of a webhook", "notification_targets.secret"
    made = client.post("/v1/keys", json={"name": name("a key"), "scope": "write"}).json()
    doors.secrets[made["key"]] = "a key", ""
    with httpx.Client(base_url=client.base_url) as browser:
        assert browser.post("/login", data={"key": made["key"]}).status_code == 303
        doors.secrets[browser.cookies[SESSION_COOKIE]] = "token of a login", ""
        browser.event_hooks = client.event_hooks
        headers = {"Sec-Fetch-Site": "same-origin"}
        assert browser.get("/datasets").status_code == 200
        assert browser.post("/logout", headers=headers).status_code == 303


def trained(world: World, training_file: str) -> None:
    """Trained here, and asked."""
    marks, client = world.marks, world.client
    tune = {"training_file_id": training_file, "hyperparameters": {"preset": "fast"}}
    tune |= {"evaluation_file_id": training_file, "name": marks.name("a training")}
    tuned = finished(client, create(client, "/v1/fine-tunes", json=tune))
    assert tuned["status"] == "succeeded", tuned
    asked = {"model": tuned["model_id"], "text": f"{marks.text('of a tuned model')} helps."}
    assert client.post("/v1/extractions", json=asked).status_code == 200


def answered(world: World) -> None:
    """By models of ours, in Cohere's protocol and on pages; and a text that is kept, corrected."""
    marks, client = world.marks, world.client

    def text(place: str) -> str:
        return f"{marks.text(place)} and hepatitis."

    def prompt(place: str) -> str:
        return f"{LISTED.instruction}\n\n{text(place)}\n\n{LISTED.output_instruction}\n"

    for stream in (False, True):
        said = {"role": "user", "content": prompt("a message to a model of ours")}
        for path, body in (
            ("/cohere/v2/chat", {"messages": [said]}),
            ("/cohere/v1/chat", {"message": prompt("a message of old")}),
            ("/cohere/v1/generate", {"prompt": prompt("a prompt to a model of ours")}),
        ):
            answer = client.post(path, json=body | {"model": "local:rules", "stream": stream})
            assert "hepatitis" in answer.text
    nothing = {"model": "local:rules", "prompt": text("a prompt that asks for nothing")}
    assert world.refused(client.post("/cohere/v1/generate", json=nothing)).status_code == 400
    form = {"title": text("a page's title"), "text": text("a page's text"), "model": "local:rules"}
    assert client.post("/playground", data=form).status_code == 200
    form |= {"document_id": marks.id("of a page"), "action": "save", "target": "new:"}
    form |= {"name": marks.name("corrections"), "split": "train", "mentions": "0", "relations": "0"}
    assert client.post("/playground/corrections", data=form).status_code == 303


def broken(world: World, dataset_id: str) -> None:
    """Reading that is killed, and files that somebody else has removed."""
    files = [("file", (world.marks.name("big"), pubtator(world.marks) * 20_000))]  # takes seconds
    location = create(world.client, "/v1/datasets", files=files)

    def kill() -> Any:
        for child in children(world.service.process.pid):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        return world.client.get(location).json()["finished_at"]

    wait_for(kill, "reading goes on without its process")
    assert world.client.get(location).json()["error"]["code"] == "process_ended"
    for file in (world.folder / "data" / "blobs" / dataset_id).iterdir():
        file.unlink()
    answer = world.refused(world.client.get(f"/v1/datasets/{dataset_id}/documents"))
    assert not answer.is_success
    path = "/v1/training-files"
    finished(world.client, create(world.client, path, json={"dataset_id": dataset_id}))


def test_no_word_is_where_it_should_not_be(
    tmp_path: Path, database_url: str | None, capfd: pytest.CaptureFixture[str]
) -> None:
    """After all calls, well and badly asked."""
    every = calls(create_app(Settings(data_dir=tmp_path / "unused", _env_file=None)))
    soon = {"MEDTUNE_REMOTE_POLL_SECONDS": "0.5"}
    with world(tmp_path, database_url, soon) as here:
        doors = Doors(here)
        with_keys(doors)
        use_all(here)
        answered(here)
        refuse_all(here, every)
        found = here.said | here.shown(database_url) | doors.shown(database_url)
    found |= here.written() | doors.left()
    # Refusals are refusals: what breaks is what asks for a file that was removed.
    assert here.service.log.read_bytes().count(b'"request_broke"') == 1
    said = capfd.readouterr().out
    found |= {f"{place} on standard output" for place in here.marks.found(said)}
    assert not found, "\n".join(sorted(found))
