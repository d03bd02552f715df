"""The stand-in as a server: faults and hooks around the routes, and a thread to run it in."""

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, cast
from uuid import uuid4

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.stand_ins.cohere import batches, catalogue, chat, datasets, finetuning
from tests.stand_ins.cohere.faults import Fault, Faults
from tests.stand_ins.cohere.replies import error
from tests.stand_ins.cohere.state import State

Moment = Literal["before", "after"]
_STARTED_WITHIN = 10.0


@dataclass(frozen=True)
class Logged:
    """A request as it came; `body` is empty for uploads."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


Hook = Callable[[Moment, Logged], None]


class StandIn:
    """The ASGI application, its state (`state`), its `faults`, and the `log` of requests.

    `api_key` None takes any key, and none. `latency` (seconds) is added to every chat. `reply`, if
    set, is what every chat answers: a function of (system, user). `schema_key` is the key under
    which `response_format` takes a schema. `quiet` keeps no log, for benchmarks.
    """

    def __init__(
        self, *, api_key: str | None = None, latency: float = 0.0, quiet: bool = False
    ) -> None:
        self.url = ""
        self.api_key = api_key
        self.latency = latency
        self.quiet = quiet
        self._at_once = 0
        self.reset()

    def reset(self) -> None:
        """As it was when it started, for the next test; the key and the latency stay."""
        self.state = State()
        self.faults = Faults()
        self.log: list[Logged] = []
        self.reply: Callable[[str, str], str] | None = None
        self.schema_key: Literal["json_schema", "schema", "both"] = "both"
        self.most_at_once = 0
        self.hooks: list[Hook] = []
        routes = [
            *chat.routes(self),
            *catalogue.routes(self),
            *datasets.routes(self.state),
            *finetuning.routes(self.state),
            *batches.routes(self),
        ]
        self._app: ASGIApp = Starlette(
            routes=routes, exception_handlers={404: _no_route, 405: _no_route}
        )

    def on_request(self, hook: Hook) -> None:
        """Call `hook` in the server's thread before each request is done, and after.

        "After" is once it has acted and before it answers.
        """
        self.hooks.append(hook)

    def asked(self, method: str, path: str) -> list[Logged]:
        """The requests so far with this method and a path that the regular expression matches."""
        return [r for r in self.log if r.method == method and re.search(path, r.path)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, with the fault that strikes it, if any."""
        assert scope["type"] == "http"
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await self._serve(scope, receive, send)
        finally:
            self._at_once -= 1

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        logged, receive = await _look(scope, receive)
        if not self.quiet:
            self.log.append(logged)
        self._call_hooks("before", logged)
        fault = self.faults.take(logged.method, logged.path) if self.faults else None
        if fault is None:
            await self._act(scope, receive, self._hooked(send, logged))
            return
        await asyncio.sleep(fault.delay)
        if not fault.cuts and fault.status is None:
            await self._act(scope, receive, self._hooked(send, logged))
            return
        if fault.acts:
            await self._act(scope, receive, _unsent)
            self._call_hooks("after", logged)
        if fault.cuts:
            await _cut(send)
        else:
            await _answer(fault, scope, receive, send)

    async def _act(self, scope: Scope, receive: Receive, send: Send) -> None:
        signed = scope["path"].startswith(batches.FILES)
        if self.api_key is not None and not signed and not _authorised(scope, self.api_key):
            await error(401, "invalid api token")(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _hooked(self, send: Send, logged: Logged) -> Send:
        if not self.hooks:
            return send

        async def hooked(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._call_hooks("after", logged)
            await send(message)

        return hooked

    def _call_hooks(self, moment: Moment, logged: Logged) -> None:
        for hook in self.hooks:
            hook(moment, logged)


async def _look(scope: Scope, receive: Receive) -> tuple[Logged, Receive]:
    """What came, and a `receive` that brings it again; an upload's body is left alone."""
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    body = b""
    again = receive
    if not headers.get("content-type", "").startswith("multipart/"):
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        given = False

        async def again() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

    query = scope["query_string"].decode()
    return Logged(scope["method"], scope["path"], query, headers, body), again


def _authorised(scope: Scope, api_key: str) -> bool:
    return (b"authorization", f"Bearer {api_key}".encode()) in scope["headers"]


async def _unsent(_message: Message) -> None:
    """Where the answer goes of a request that acts and then fails."""


async def _answer(fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
    assert fault.status is not None
    await Response(fault.body, fault.status, dict(fault.headers))(scope, receive, send)


async def _cut(send: Send) -> None:
    """Reset the connection; ASGI has no word for it, so uvicorn's own transport is taken."""
    transport = cast(asyncio.Transport, send.__self__.transport)  # type: ignore[attr-defined]
    transport.abort()
    await asyncio.sleep(0.01)  # until uvicorn has noticed, or it would answer 500


async def _no_route(_request: Request, _error: Exception) -> JSONResponse:
    return error(404, f"the requested resource was not found ({uuid4()})")


@contextmanager
def running(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Serve an ASGI application on a port of the loopback address, 0 a free one; gives its URL."""
    listener = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        until = time.monotonic() + _STARTED_WITHIN
        while not server.started:
            if not thread.is_alive() or time.monotonic() > until:
                raise RuntimeError("the stand-in did not start")
            time.sleep(0.002)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(_STARTED_WITHIN)
        listener.close()


@contextmanager
def stand_in(
    *, api_key: str | None = None, latency: float = 0.0, port: int = 0
) -> Iterator[StandIn]:
    """A stand-in that runs while the context lasts, on a free port if none is given."""
    server = StandIn(api_key=api_key, latency=latency)
    with running(server, port) as url:
        server.url = url
        yield server
