"""Clients that send nonsense, too much of it, or leave midway: 4xx, and nothing is kept or told."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from app.own_service import OwnService
from app.prompts.render import to_line, to_prompt, to_row
from app.prompts.tasks import Task
from app.prompts.templates import BUILT_IN
from tests.e2e.test_story import wait_for

Json = dict[str, Any]
SECRET = "Mrs Example"
PROMPT = to_prompt(f"{SECRET} has glaucoma.", Task.DISEASES)
ROWS = "".join(
    to_line(to_row(f"{SECRET} has glaucoma {n}.", Task.DISEASES, ["glaucoma"], "chat", BUILT_IN))
    for n in range(3)
).encode()
DATASETS = "/cohere/v1/datasets"
MODELS = "/cohere/v1/finetuning/finetuned-models"
NEW = {"name": "hostile", "type": "chat-finetune-input"}
CHAT: Json = {"model": "local:rules", "messages": [{"role": "user", "content": PROMPT}]}
MANY = 100_000


def refused(answer: httpx.Response, *statuses: int) -> str:
    """What a client was told; in few words, and none of its own."""
    assert answer.status_code in (statuses or (400,)), answer.text[:1000]
    assert set(answer.json()) == {"id", "message"}
    assert len(answer.content) < 2000
    assert SECRET not in answer.text
    return str(answer.json()["message"])


@pytest.mark.parametrize(
    ("path", "request_"),
    [
        ("v2/chat", {"messages": [{"role": SECRET}] * MANY}),
        ("v2/chat", {"messages": [{"role": "user", "content": [1] * MANY}]}),
        ("v2/chat", {**CHAT, "stop_sequences": [1] * MANY}),
        ("v1/chat", {"message": PROMPT, "chat_history": [SECRET] * MANY}),
        ("v1/detokenize", {"tokens": [999] * MANY}),
        ("v1/detokenize", {"tokens": [SECRET] * MANY}),
    ],
)
def test_many_faults_are_few_words(served: OwnService, path: str, request_: Json) -> None:
    """A request that is wrong a hundred thousand times is told so once."""
    refused(served.client.post(f"/cohere/{path}", json={"model": "local:rules", **request_}))


@pytest.mark.parametrize("tokens", [2**31, 2**63, 10**30])
def test_any_number_of_tokens(served: OwnService, tokens: int) -> None:
    """A limit that no answer reaches is none, however large a number it is."""
    answer = served.client.post("/cohere/v2/chat", json={**CHAT, "max_tokens": tokens})
    assert (answer.status_code, answer.json()["finish_reason"]) == (200, "COMPLETE")


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
@pytest.mark.parametrize("side", ["before", "after"])
def test_times_at_the_end_of_the_calendar(served: OwnService, side: str, moment: str) -> None:
    """A time that no database has is refused."""
    refused(served.client.get(DATASETS, params={side: moment}))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/json"),
        (b"null", "application/json"),
        (b"\xff", "application/json"),
        (b"[" * MANY, "application/json"),
        (b'{"name": ' + b"9" * 5000 + b"}", "application/json"),
        (b'"Mrs Example"', "application/json"),
        (b'{"name": "Mrs Example"}', "text/plain"),
        (b"name=Mrs+Example", "application/x-www-form-urlencoded"),
    ],
)
def test_bodies_that_are_no_model(served: OwnService, body: bytes, kind: str) -> None:
    """As `test_bad_bodies`, for the calls that FastAPI reads; no sentence begins with a colon."""
    for method, path in (("POST", MODELS), ("PATCH", f"{MODELS}/ft_x")):
        headers = {"Content-Type": kind}
        said = refused(served.client.request(method, path, content=body, headers=headers))
        assert said.startswith("invalid request: ")
        assert ": :" not in said


FORM = b'--x\r\nContent-Disposition: form-data; name="%b"; filename="a"\r\n\r\n' + ROWS


@pytest.mark.parametrize(
    ("asked", "kind", "body"),
    [
        (NEW, "application/json", b"{}"),
        (NEW, "multipart/form-data", FORM % b"data"),
        (NEW, "multipart/form-data; boundary=x", b"Mrs Example"),
        (NEW, "multipart/form-data; boundary=x", FORM % b"data"),  # has no end
        (NEW, "multipart/form-data; boundary=x", FORM % b"Mrs Example" + b"\r\n--x--\r\n"),
        (NEW, "multipart/form-data; boundary=x", FORM % b"eval_data" + b"\r\n--x--\r\n"),
        ({**NEW, "name": "\x00"}, "multipart/form-data; boundary=x", FORM % b"data"),
        ({**NEW, "name": "n" * 300}, "multipart/form-data; boundary=x", FORM % b"data"),
        ({**NEW, "type": SECRET}, "multipart/form-data; boundary=x", FORM % b"data"),
        ({**NEW, "csv_delimiter": "é"}, "multipart/form-data; boundary=x", FORM % b"data"),
    ],
)
def test_uploads_that_are_none(served: OwnService, asked: Json, kind: str, body: bytes) -> None:
    """Refused, without a word about calls that Cohere has not, and nothing is stored."""
    before = stored(served)
    headers = {"Content-Type": kind}
    said = refused(served.client.post(DATASETS, params=asked, content=body, headers=headers))
    assert "/docs" not in said
    assert stored(served) == before


def stored(served: OwnService) -> set[str]:
    """Whose bytes are stored."""
    return {folder.name for folder in (served.log.parent / "blobs").glob("*")}


def leave(served: OwnService, request: bytes, *, after: int) -> None:
    """Send a request over a connection of its own, read so many bytes, and go."""
    host, _, port = served.address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request)
        if after:
            connection.recv(after)


def test_clients_that_leave(served: OwnService) -> None:
    """In the middle of an upload, a prompt or a stream: nothing stays, and others are served."""
    before = stored(served)
    stream = json.dumps({**CHAT, "stream": True}).encode()
    head = b"POST /cohere/%b HTTP/1.1\r\nHost: x\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n"
    upload = b"v1/datasets?name=left&type=chat-finetune-input"
    kind = b"multipart/form-data; boundary=x"
    for _ in range(5):
        leave(served, head % (upload, kind, 10**6) + FORM % b"data", after=0)
        leave(served, head % (b"v2/chat", b"application/json", 10**6) + stream, after=0)
        leave(served, head % (b"v2/chat", b"application/json", len(stream)) + stream, after=20)
    wait_for(lambda: stored(served) == before, "something of it is left")
    assert served.client.post("/cohere/v2/chat", json=CHAT).status_code == 200
    log = served.log.read_text()
    assert SECRET not in log
    assert "request_broke" not in log


@pytest.mark.parametrize("token", ["!!", "AA", "é", "x" * 501, "=="])
@pytest.mark.parametrize("path", ["/cohere/v1/models", MODELS])
def test_tokens_that_no_page_has(served: OwnService, path: str, token: str) -> None:
    """A page token is one that was given out."""
    refused(served.client.get(path, params={"page_token": token}))


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "TRACE"])
def test_other_methods(served: OwnService, method: str) -> None:
    """405, whatever else is wrong."""
    for path in ("/cohere/v2/chat", DATASETS, MODELS):
        answer = served.client.request(method, path)
        assert answer.status_code == 405
        assert method == "HEAD" or refused(answer, 405) == "method not allowed"


def validated(served: OwnService) -> str:
    """The id of a new dataset that can be trained on."""
    answer = served.client.post(DATASETS, params=NEW, files={"data": ("rows.jsonl", ROWS)})
    dataset_id = str(answer.json()["id"])

    def done() -> bool:
        dataset = served.client.get(f"{DATASETS}/{dataset_id}").json()["dataset"]
        return bool(dataset["validation_status"] == "validated")

    wait_for(done, "the dataset is not validated")
    return dataset_id


def test_all_at_once(served: OwnService) -> None:
    """Models made and deleted while their dataset is: each call is done or refused, none breaks."""
    client, dataset_id = served.client, validated(served)
    settings = {"base_model": {"base_type": "BASE_TYPE_CHAT"}, "dataset_id": dataset_id}
    request = {"name": "at once", "settings": settings}

    def create(number: int) -> httpx.Response:
        if number == 5:
            return client.delete(f"{DATASETS}/{dataset_id}")
        return client.post(MODELS, json=request)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(create, range(16)))
        assert answers.pop(5).json() == {}
        made = [answer for answer in answers if answer.is_success]
        for answer in answers:
            if answer not in made:
                refused(answer)
        ids = [answer.json()["finetuned_model"]["id"] for answer in made]
        # Twice each, at once; one of both finds nothing, or both had found it.
        deleted = list(threads.map(lambda each: client.delete(f"{MODELS}/{each}"), ids * 2))
    assert {answer.status_code for answer in deleted} <= {200, 404}
    listed = client.get(MODELS, params={"page_size": 1000}).json()["finetuned_models"]
    assert not any(model["name"] == "at once" for model in listed)
    refused(client.post(MODELS, json=request))
    refused(client.delete(f"{DATASETS}/{dataset_id}"), 404)
    time.sleep(0.1)
    assert "request_broke" not in served.log.read_text()
