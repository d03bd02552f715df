"""Connections whose clients are silent, slow, or send headers without end: they are cut off.

uvicorn waits for a client for as long as it takes. Here all connections are looked at every now and
then: whoever was to send or to take a piece of something all the while, and has not, is told so if
an answer can still be sent, and then closed. What waits for us is left alone, however long it is;
requests pay nothing for it but the counting of their bytes.
"""

import asyncio
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, cast

import structlog
from starlette.requests import Request
from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from app.platform.errors import ApiError
from app.platform.problem_json import render
from app.platform.requests import give_up_on

log = structlog.get_logger(__name__)

# Of a body or an answer; a request's line and headers, or less of a body, have to come as a whole.
PIECE_BYTES = 16 * 1024
MOST_HEAD_BYTES = 64 * 1024
MOST_HEADERS = 100
# What the system takes of an answer before the client does. It would be megabytes, and how slowly
# they are taken could not be seen.
_UNSENT_BYTES = 128 * 1024
_LOOKS = 4  # within the time that a client is given


class _Awaited(NamedTuple):
    """What the client is to do: `of` tells one such thing from another, `done` counts bytes."""

    kind: str
    of: int
    done: int


@dataclass
class _Mark:
    """What has not come about for so many looks; while we are held up ourselves, there are none."""

    awaited: _Awaited
    looks: int = 0


class GuardedProtocol(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it, with bounds on what a client sends and how slowly."""

    _mark: _Mark | None = None
    _fault: ApiError | None = None
    # Requests begun, answers that had to wait, bytes received: of this connection, so far.
    _requests = 0
    _pauses = 0
    _received = 0
    # Bytes that have made up neither a whole head nor a piece of a body.
    _unread = 0
    _in_head = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            own = transport.get_extra_info("socket")
            own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
        super().connection_made(transport)

    def look(self) -> None:
        """Cut the client off if it was to do the same thing at the last looks, too."""
        awaited, mark = self._awaited(), self._mark
        if awaited is None:
            self._mark = None
            return
        if mark is None or _came_about(mark.awaited, awaited):
            self._mark = _Mark(awaited)
            return
        mark.looks += 1
        if awaited.done < mark.awaited.done:  # We gave it more to take.
            mark.awaited = awaited
        if mark.looks == _LOOKS:
            self._mark = None
            log.info("slow_client", awaited=awaited.kind)
            self._cut_off(awaited.kind)

    def _awaited(self) -> _Awaited | None:
        if untaken := self.transport.get_write_buffer_size():
            return _Awaited("answer", self._pauses, -untaken)
        if self.transport.is_closing():
            return None
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            # Between requests uvicorn itself closes, very soon.
            idle = self.timeout_keep_alive_task is not None
            return None if idle else _Awaited("request", self._requests, 0)
        ours = bool(cycle.body) or self.flow.read_paused or cycle.waiting_for_100_continue
        if ours or not cycle.more_body:
            return None
        return _Awaited("body", self._requests, self._received)

    def _cut_off(self, kind: str) -> None:
        if kind == "answer":
            self.transport.abort()
        elif kind == "body":
            self.cycle.keep_alive = False
            give_up_on(cast(Scope, self.cycle.scope))
            self.cycle.message_event.set()
        elif self._in_head:
            self._refuse(ApiError("request_timeout", "The headers were not sent in time."))
        else:
            self.transport.close()

    def _refuse(self, error: ApiError) -> None:
        """Answer what is no request, and close."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            answer = render(Request({"type": "http", "state": {}, "headers": []}), error)
            headers = [*answer.raw_headers, (b"connection", b"close")]
            lines = b"".join(b"%b: %b\r\n" % header for header in headers)
            status = STATUS_LINE[answer.status_code]
            self.transport.write(status + lines + b"\r\n" + bytes(answer.body))
            log.info("request_refused", code=error.code)
        self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Whatever cannot be parsed ends here, and what is too large."""
        self._refuse(self._fault or ApiError("malformed_request", "This is not valid HTTP."))

    def data_received(self, data: bytes) -> None:
        """The client has sent something."""
        self._received += len(data)
        self._unread += len(data)
        super().data_received(data)
        if self._unread > MOST_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(_too_large())

    def on_message_begin(self) -> None:
        """It begins a request."""
        self._requests += 1
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The body comes next, if there is one."""
        self._in_head = False
        self._unread = 0
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > MOST_HEAD_BYTES or len(self.headers) > MOST_HEADERS:
            self._fault = _too_large()
            raise self._fault
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._unread = 0
        super().on_body(body)

    def pause_writing(self) -> None:
        """The client has much to take."""
        self._pauses += 1
        super().pause_writing()


def _came_about(before: _Awaited, after: _Awaited) -> bool:
    """Whether something else is awaited now, or there is a piece more of the same."""
    return before[:2] != after[:2] or after.done - before.done >= PIECE_BYTES


def _too_large() -> ApiError:
    detail = f"At most {MOST_HEADERS} headers and {MOST_HEAD_BYTES} bytes of them are read."
    return ApiError("headers_too_large", detail)


async def watch(connections: Iterable[object], patience: float) -> None:
    """For ever cut off clients that keep us waiting for more than `patience` seconds."""
    while True:
        await asyncio.sleep(patience / _LOOKS)
        for connection in tuple(connections):
            if isinstance(connection, GuardedProtocol):
                connection.look()
