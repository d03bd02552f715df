"""What happens around every request: its id, its log line, the cap on its body, its end.

Pure ASGI, so that streams pass through untouched and nothing is buffered.
"""

import re
import time
from collections.abc import Callable

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

from app.platform.errors import ApiError
from app.platform.problem_json import render

log = structlog.get_logger("medtune.requests")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")


class RequestContext:
    """Gives each request an id (the caller's `X-Request-ID` if sane), logs it, caps its body."""

    def __init__(self, app: ASGIApp, limit: Callable[[Scope], int]) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _given_id(scope) or uuid7().hex
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        status, answering = 500, False
        limit = self._limit(scope)
        received = 0

        async def capped_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                # Whatever else is raised while a body is read, FastAPI calls it malformed.
                raise HTTPException(413)
            return message

        async def tagged_send(message: Message) -> None:
            nonlocal status, answering
            if message["type"] == "http.response.start":
                answering = True
                status = message["status"]
                message.setdefault("headers", []).append(
                    (b"x-request-id", request_id.encode("ascii"))
                )
            await send(message)

        try:
            await self._app(scope, capped_receive, tagged_send)
        except ClientDisconnect:
            log.info("client_gone")
        except Exception:
            # Nobody further in knew what to do with it; here the answer still gets its id.
            log.exception("request_broke")
            broken = ApiError("internal_error", "The request could not be answered.")
            if not answering:
                await render(Request(scope), broken)(scope, receive, tagged_send)
        finally:
            route = scope.get("route")
            log.info(
                "request",
                method=scope["method"],
                # The operation, never the path: a path may hold anything.
                operation=getattr(route, "operation_id", None),
                status=status,
                ms=round((time.perf_counter() - started) * 1000, 2),
            )


def _given_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            text = value.decode("latin-1")
            return text if _REQUEST_ID.fullmatch(text) else None
    return None
