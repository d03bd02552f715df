"""A stand-in for an OpenAI-compatible server: it answers what a test tells it to."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.stand_ins.cohere.server import running

MODELS = ("base", "merged")


@dataclass(frozen=True)
class Fault:
    """What comes in place of an answer: at once or `delay` seconds later, `times` times or ever.

    Without a status the answer ends in the middle.
    """

    status: int | None = 200
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    times: int | None = None


class Server:
    """Its models say `says[task]`, where the task is named at the end of what they are asked.

    `asked` are the bodies of all chats, `headers` those of all requests, `lists` the number of
    times the models were listed. Chats are held (5 seconds at most) until `hold_until` are open.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.says: dict[str, str] = {}
        self.finish_reason = "stop"
        self.fault: Fault | None = None
        self.asked: list[dict[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []
        self.lists = 0
        self.hold_until = self.most_open = self._open = 0

    async def models(self, request: Request) -> Response:
        self.lists += 1
        self.headers.append(dict(request.headers))
        data = [{"id": name, "object": "model", "owned_by": "us"} for name in MODELS]
        return await self._faulty() or JSONResponse({"object": "list", "data": data})

    async def chat(self, request: Request) -> Response:
        self.headers.append(dict(request.headers))
        body = await request.json()
        self.asked.append(body)
        self._open += 1
        self.most_open = max(self.most_open, self._open)
        try:
            for _ in range(1000):
                if self.most_open >= self.hold_until:
                    break
                await asyncio.sleep(0.005)
            return await self._faulty() or self._said(body)
        finally:
            self._open -= 1

    def _said(self, body: Mapping[str, Any]) -> Response:
        user = body["messages"][1]["content"]
        task = next((name for name in self.says if user.rstrip(":").endswith(name)), None)
        return JSONResponse(completion(self.says.get(task or "", "- "), self.finish_reason))

    async def _faulty(self) -> Response | None:
        fault = self.fault
        if fault is None:
            return None
        if fault.times is not None:
            left = fault.times - 1
            self.fault = Fault(fault.status, fault.body, fault.headers, fault.delay, left)
            if left < 0:
                self.fault = None
                return None
        await asyncio.sleep(fault.delay)
        if fault.status is None:
            return Cut()
        return Response(fault.body, fault.status, dict(fault.headers), "application/json")


class Cut(Response):
    """Promises more than it sends, so that the server closes the connection."""

    def __init__(self) -> None:
        super().__init__(b'{"choices', headers={"content-length": "1000"})


def completion(content: object, finish_reason: str = "stop") -> dict[str, Any]:
    """A chat completion as OpenAI documents it."""
    message = {"role": "assistant", "content": content}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "base",
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }


class Port:
    """Where the stand-ins of several tests are served, one after another: a port opens slowly.

    `url` is the base URL, `server` whose turn it is.
    """

    def __init__(self) -> None:
        self.url = ""
        self.server = Server("")
        self.app = Starlette(
            routes=[
                Route("/v1/models", self._models),
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
            ]
        )

    async def _models(self, request: Request) -> Response:
        return await self.server.models(request)

    async def _chat(self, request: Request) -> Response:
        return await self.server.chat(request)


@contextmanager
def open_port() -> Iterator[Port]:
    """A port that is served while the context lasts."""
    port = Port()
    with running(port.app) as url:
        port.url = f"{url}/v1"
        yield port
