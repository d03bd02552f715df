"""Calls for the models of Cohere's own servers: passed on as they are, answered as they answer."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Protocol, runtime_checkable

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from app.cohere_api.errors import CohereError

# What clients act on; the SDK waits as these two say.
_HEADERS = ("content-type", "retry-after", "x-ratelimit-reset")


class Chunks(Protocol):
    """A body as it comes."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Its parts."""

    async def aclose(self) -> None:
        """End the call, whether or not all has come. Safe to repeat."""


class Forwarded(Protocol):
    """The server's answer, its body still to come."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, in lower case."""

    @property
    def chunks(self) -> Chunks:
        """The body."""


@runtime_checkable
class Forwarding(Protocol):
    """A backend whose server speaks Cohere's API itself."""

    async def forward(self, path: str, body: bytes) -> Forwarded:
        """POST the JSON `body` to `path` (`v2/chat`) of the server. Raises BackendError."""


class _Passed(StreamingResponse):
    """The server's answer; the call there ends with ours, whenever the client goes."""

    def __init__(self, answer: Forwarded) -> None:
        headers = {name: answer.headers[name] for name in _HEADERS if name in answer.headers}
        super().__init__(answer.chunks, status_code=answer.status, headers=headers)
        self._chunks = answer.chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._chunks.aclose()


async def forward(
    backend: Forwarding, path: str, fields: Mapping[str, object], model: str
) -> StreamingResponse:
    """The server's answer to the request, in which only the model has another name.

    None of the caller's headers goes along: the server's key is the backend's own.
    """
    try:
        body = json.dumps({**fields, "model": model}, allow_nan=False).encode()
    except ValueError:
        raise CohereError(400, "invalid request: a number is out of range") from None
    return _Passed(await backend.forward(path, body))
