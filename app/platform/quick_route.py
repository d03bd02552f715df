"""Routes for what is called all the time: a body that is right goes past FastAPI's machinery.

That machinery took a quarter of a short call (ADR 30). Whatever is not right goes through it as
ever, so that there is one place that tells what is wrong with a request.
"""

from collections.abc import Sequence
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from app.platform.headers import media_type


class QuickRoute(APIRoute):
    """For coroutines of a request and a pydantic model, its body, that return a Response.

    Raises TypeError for others.
    """

    def __init__(self, path: str, endpoint: Any, **said: Any) -> None:
        super().__init__(path, endpoint, **said)
        asked, body = self.dependant, self.body_field
        model = body.field_info.annotation if body is not None else None
        others: Sequence[object] = (
            *asked.dependencies,
            *asked.path_params,
            *asked.query_params,
            *asked.header_params,
            *asked.cookie_params,
        )
        if body is None or not isinstance(model, type) or not issubclass(model, BaseModel):
            raise TypeError(f"{endpoint.__name__} has no body that is a model")
        if others or asked.request_param_name is None or self.methods != {"POST"}:
            raise TypeError(f"{endpoint.__name__} is not for a quick route")
        self._model: type[BaseModel] = model
        self._names = (asked.request_param_name, body.name)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] != "POST" or media_type(scope) != "application/json":
            await super().handle(scope, receive, send)
            return
        content = await _read(receive)
        try:
            body = self._model.model_validate_json(content)
        except ValidationError:
            await super().handle(scope, _again(content, receive), send)
            return
        response = await self.endpoint(
            **dict(zip(self._names, (Request(scope), body), strict=True))
        )
        await response(scope, receive, send)


async def _read(receive: Receive) -> bytes:
    """The whole body. Raises ClientDisconnect."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _again(content: bytes, receive: Receive) -> Receive:
    """What gives a body that has been read, and then what comes after it."""
    messages: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again
