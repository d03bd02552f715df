"""Calls for the models of Cohere's own servers: passed on as they are, answered as they answer."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Protocol, runtime_checkable

from starlette.responses import StreamingResponse

from app.cohere_api.errors import CohereError

_HEADERS = ("content-type", "retry-after")


class Forwarded(Protocol):
    """The server's answer, its body still to come; closing `chunks` ends the call."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, in lower case."""

    @property
    def chunks(self) -> AsyncIterator[bytes]:
        """The body, as it comes."""


@runtime_checkable
class Forwarding(Protocol):
    """A backend whose server speaks Cohere's API itself."""

    async def forward(self, path: str, body: bytes) -> Forwarded:
        """POST the JSON `body` to `path` (`v2/chat`) of the server. Raises BackendError."""


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
    answer = await backend.forward(path, body)
    headers = {name: answer.headers[name] for name in _HEADERS if name in answer.headers}
    return StreamingResponse(answer.chunks, status_code=answer.status, headers=headers)
