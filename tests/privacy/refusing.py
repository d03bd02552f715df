"""Requests that no call takes, of all parts that a call may be asked with."""

from collections.abc import Iterator, Sequence
from typing import Any

from tests.privacy.marks import Marks
from tests.privacy.world import World
from tests.workspaces.routes import Call

# Calls that end the login or the key that all others need.
_NOT_ASKED = {"/logout"}


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
