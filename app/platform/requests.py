"""What happens around every request: its id, its log line, its numbers, caps and refusals.

Pure ASGI, so that streams pass through untouched and nothing is buffered.
"""

import re
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

from app.platform.access import LOCAL, Principal, acting
from app.platform.errors import ApiError
from app.platform.headers import header
from app.platform.logs import CUT_OFF
from app.platform.metrics import METHODS, OTHER
from app.platform.problem_json import render
from app.platform.telemetry import Span, Telemetry

log = structlog.get_logger("medtune.requests")

# For all of our applications: FastAPI would tell whatever global OpenTelemetry a process has been
# given of paths and of messages of exceptions, and both may hold what a client has sent.
FASTAPI_TELLS_NOTHING: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}

_CLIENT_GONE = 499  # for the log and the numbers alone: nobody is there to be told

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")


class Entrance(Protocol):
    """Who comes in."""

    async def admit(self, scope: Scope) -> Principal:
        """Who sends this request. Raises ApiError if it must not come in."""

    def refuse(self, scope: Scope, error: ApiError) -> Response:
        """The answer to a request that does not come in."""


class OpenEntrance:
    """Lets everybody in: for what tells of nobody."""

    async def admit(self, scope: Scope) -> Principal:
        """Whoever it is."""
        return LOCAL

    def refuse(self, scope: Scope, error: ApiError) -> Response:
        """Nobody is refused by it."""
        return render(Request(scope), error)


class RequestContext:
    """Gives each request an id (the caller's `X-Request-ID` if sane), logs it, caps its body, and
    serves it on behalf of whom the entrance says it is from."""

    def __init__(
        self,
        app: ASGIApp,
        limit: Callable[[Scope], int],
        entrance: Entrance,
        telemetry: Telemetry | None = None,
    ) -> None:
        self._app = app
        self._limit = limit
        self._entrance = entrance
        self._telemetry = telemetry or Telemetry()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        tracing, metrics = self._telemetry.tracing, self._telemetry.metrics
        parent = header(scope, b"traceparent") if self._telemetry.traces else None
        with (
            tracing.span("request", "server", parent) as span,
            metrics.requests_in_progress.track_inprogress(),
        ):
            await self._serve(scope, receive, send, span)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, span: Span) -> None:
        request_id = _given_id(scope) or uuid7().hex
        scope.setdefault("state", {})["request_id"] = request_id
        answer_headers(scope)["x-request-id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        if (trace_id := self._telemetry.tracing.trace_id()) is not None:
            structlog.contextvars.bind_contextvars(trace_id=trace_id)
        started = time.perf_counter()
        status, answering = 500, False
        limit = self._limit(scope)
        received = 0

        async def capped_receive() -> Message:
            nonlocal received
            message = await receive()
            if given_up_on(scope):
                if answering:
                    return {"type": "http.disconnect"}
                raise HTTPException(408)
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
                told = answer_headers(scope).items()
                message.setdefault("headers", []).extend(
                    (name.encode("ascii"), value.encode("ascii")) for name, value in told
                )
            await send(message)

        try:
            try:
                principal = await self._entrance.admit(scope)
            except ApiError as refused:
                answer = self._entrance.refuse(scope, refused)
                await answer(scope, receive, tagged_send)
                return
            structlog.contextvars.bind_contextvars(actor=principal.actor)
            with acting(principal):
                await self._app(scope, capped_receive, tagged_send)
        except ClientDisconnect:
            log.info("client_gone")
            status = status if answering else _CLIENT_GONE
        except Exception as error:
            if answering and isinstance(error.__cause__, ApiError):
                # What is being sent has been deleted, say: the client finds it cut off.
                log.warning(CUT_OFF, code=error.__cause__.code)
                structlog.contextvars.bind_contextvars(**{CUT_OFF: True})
                return
            # Nobody further in knew what to do with it; here the answer still gets its id.
            log.exception("request_broke")
            broken = ApiError("internal_error", "The request could not be answered.")
            if not answering:
                await render(Request(scope), broken)(scope, receive, tagged_send)
        finally:
            seconds = time.perf_counter() - started
            # The operation, never the path: a path may hold anything.
            route = scope.get("route")
            # A client may send any word.
            method = scope["method"] if scope["method"] in METHODS else OTHER
            operation = getattr(route, "operation_id", None) or getattr(route, "name", None)
            self._telemetry.metrics.request(operation, method, status, seconds)
            if self._telemetry.traces:
                _tell(span, operation, method, status)
            log.info(
                "request",
                method=method,
                operation=operation,
                status=status,
                ms=round(seconds * 1000, 2),
            )


def answer_headers(scope: Scope) -> dict[str, str]:
    """What every answer to this request is to have among its headers, whoever gives it."""
    headers: dict[str, str] = scope["state"].setdefault("answer_headers", {})
    return headers


def let_in_while(scope: Scope, valid: Callable[[], Awaitable[bool]]) -> None:
    """Have answers without end come to one once whoever asked would not be let in any more."""
    scope.setdefault("state", {})["still_let_in"] = valid


async def still_let_in(scope: Scope) -> bool:
    """Whether who has sent this request would be let in still; cheap to ask."""
    valid: Callable[[], Awaitable[bool]] | None = scope["state"].get("still_let_in")
    return valid is None or await valid()


def give_up_on(scope: Scope) -> None:
    """Have no more of the request's body waited for: the client has been too slow."""
    scope["state"]["given_up"] = True


def given_up_on(scope: Scope) -> bool:
    """Whether the client has been too slow."""
    return "given_up" in scope["state"]


def _tell(span: Span, operation: str | None, method: str, status: int) -> None:
    span.rename(operation or OTHER)
    span.tell(operation=operation or OTHER, http_method=method, http_status=status)
    if status >= 500:
        span.failed(str(status))


def _given_id(scope: Scope) -> str | None:
    text = header(scope, b"x-request-id")
    return text if text is not None and _REQUEST_ID.fullmatch(text) else None
