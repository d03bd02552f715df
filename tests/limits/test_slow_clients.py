"""Clients that are silent or slow, on a real server: each is cut off, and holds nothing till then.

They are raw sockets: no client library sends half a header.
"""

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import StreamingResponse

from app.own_service import OwnService, own_service
from app.platform.server import serve_until
from tests.e2e.test_story import SAMPLE

SECONDS = 1.5
# A generous one for a machine that has much else to do: what is tested is that it ends at all.
PATIENCE = 30.0
EXTRACTION = (
    b"POST /v1/extractions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
)
BODY = json.dumps({"model": "local:rules", "text": "Aspirin and asthma."}).encode()


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnService]:
    settings = {"MEDTUNE_SLOW_CLIENT_SECONDS": str(SECONDS)}
    with own_service(tmp_path_factory.mktemp("data"), settings) as own:
        yield own


def connected(own: OwnService) -> socket.socket:
    url = httpx.URL(own.address)
    assert url.port is not None
    return socket.create_connection((url.host, url.port), timeout=PATIENCE)


def answer(connection: socket.socket) -> bytes:
    """All that comes until the server closes; it has to."""
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionError:
        pass
    return received


def problem(received: bytes) -> tuple[bytes, str]:
    """The status line and the code of a problem."""
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    return head.partition(b"\r\n")[0], json.loads(body)["code"]


def blobs(own: OwnService) -> list[Path]:
    return [path for path in (own.log.parent / "blobs").rglob("*") if path.is_file()]


def trickle(connection: socket.socket, data: bytes) -> None:
    """Send a byte now and then, until the server has had enough."""
    for byte in data:
        try:
            connection.send(bytes([byte]))
        except OSError:
            return
        time.sleep(SECONDS / 20)


def test_who_says_nothing_is_cut_off(own: OwnService) -> None:
    with closing(connected(own)) as connection:
        assert answer(connection) == b""


@pytest.mark.parametrize("sent", [b"GET /heal", EXTRACTION, EXTRACTION + b"Content-Le"])
def test_half_a_head_is_cut_off(own: OwnService, sent: bytes) -> None:
    with closing(connected(own)) as connection:
        connection.sendall(sent)
        assert problem(answer(connection)) == (b"HTTP/1.1 408 Request Timeout", "request_timeout")


def test_headers_byte_by_byte_are_cut_off(own: OwnService) -> None:
    with closing(connected(own)) as connection:
        sending = threading.Thread(target=trickle, args=(connection, EXTRACTION * 20))
        sending.start()
        # What was sent after the end makes the system forget the answer now and then.
        received = answer(connection)
        sending.join()
    assert not received or problem(received)[1] == "request_timeout"


@pytest.mark.parametrize("path", [b"/v1/extractions", b"/cohere/v2/chat"])
def test_half_a_body_is_cut_off(own: OwnService, path: bytes) -> None:
    with closing(connected(own)) as connection:
        head = EXTRACTION.replace(b"/v1/extractions", path)
        connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY[:-1])
        received = answer(connection)
    assert received.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"connection: close" in received
    if path.startswith(b"/v1"):
        assert problem(received)[1] == "request_timeout"


def test_a_body_byte_by_byte_is_cut_off(own: OwnService) -> None:
    with closing(connected(own)) as connection:
        connection.sendall(EXTRACTION + b"Content-Length: 5000\r\n\r\n")
        sending = threading.Thread(target=trickle, args=(connection, b" " * 5000))
        sending.start()
        received = answer(connection)
        sending.join()
    assert not received or problem(received)[1] == "request_timeout"


def test_slow_uploads_hold_up_nobody_and_leave_nothing(own: OwnService) -> None:
    """More of them than there are threads or connections to a database."""
    before = set(blobs(own))
    head = (
        b"POST /v1/datasets HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000000\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    )
    slow = [connected(own) for _ in range(50)]
    for connection in slow:
        connection.sendall(head + b"x" * 1_200_000)
    files = {"file": ("train.txt", (SAMPLE / "train.pubtator.txt").read_bytes())}
    made = own.client.post("/v1/datasets", files=files)
    assert made.status_code == 202, made.text
    for connection in slow:
        with closing(connection):
            assert problem(answer(connection))[1] == "request_timeout"
    location = made.headers["Location"]
    while own.client.get(location).json()["status"] == "validating":
        time.sleep(0.05)
    kept = location.rpartition("/")[2]
    assert {path for path in blobs(own) if kept not in path.parts} <= before


def test_an_upload_that_goes_on_is_not_cut_off(own: OwnService) -> None:
    """Though it takes longer than a client may be silent."""
    pieces = [b"%d|t|%s\n%d|a|Nothing.\n\n" % (n, b"Aspirin. " * 2500, n) for n in range(6)]

    def form() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        for piece in pieces:
            yield piece
            time.sleep(SECONDS / 4)
        yield b"\r\n--b--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = own.client.post("/v1/datasets", content=form(), headers=headers)
    assert answer.status_code == 202, answer.text


def test_who_does_not_take_the_answer_is_cut_off(own: OwnService) -> None:
    """Of a long download; who takes it slowly is left alone."""
    text = "Aspirin and asthma. " * 5_000
    content = b"".join(b"%d|t|%s\n%d|a|Nothing.\n\n" % (n, text.encode(), n) for n in range(200))
    made = own.client.post("/v1/datasets", files={"file": ("long.txt", content)})
    location = made.headers["Location"]
    while (status := own.client.get(location).json()["status"]) == "validating":
        time.sleep(0.05)
    assert status == "ready"
    path = f"{location}/export?format=pubtator"
    whole = own.client.get(path).content
    with closing(connected(own)) as idle, closing(connected(own)) as slow:
        for connection in (idle, slow):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            connection.sendall(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path.encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += slow.recv(1)
        received = 0
        for _ in range(20):
            received += len(slow.recv(100_000))
            time.sleep(SECONDS / 5)
        while received < len(whole):
            piece = slow.recv(1_000_000)
            assert piece, "a slow client was cut off"
            received += len(piece)
        assert len(answer(idle)) < len(whole)


async def test_a_stream_that_waits_for_events_is_not_cut_off() -> None:
    """Nobody is slow where there is nothing to take."""
    app = FastAPI()

    async def events() -> AsyncIterator[bytes]:
        yield b"first"
        await asyncio.sleep(3 * SECONDS)
        yield b"last"

    @app.get("/")
    async def stream() -> StreamingResponse:
        return StreamingResponse(events())

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    stopping = asyncio.Event()
    serving = serve_until(
        stopping,
        app,
        host="127.0.0.1",
        port=port,
        shutdown_seconds=1,
        slow_client_seconds=SECONDS,
    )
    server = asyncio.create_task(serving)
    transport = httpx.AsyncHTTPTransport(retries=5)
    async with httpx.AsyncClient(transport=transport, timeout=PATIENCE) as client:
        assert (await client.get(f"http://127.0.0.1:{port}/")).content == b"firstlast"
    stopping.set()
    assert await server


def test_connections_between_requests_are_kept(own: OwnService) -> None:
    """And what came of one request does not count against the next."""
    head = EXTRACTION + b"Content-Length: %d\r\n\r\n" % len(BODY)
    with closing(connected(own)) as connection:
        for _ in range(8):
            connection.sendall(head + BODY)
            received = b""
            while b'"timing"' not in received:
                received += connection.recv(65536)
            assert received.startswith(b"HTTP/1.1 200")
            time.sleep(SECONDS / 4)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\r\nX: " + b"x" * 1_000_000,
        b"GET /healthz HTTP/1.1\r\n" + b"".join(b"X-%d: x\r\n" % n for n in range(10_000)),
        b"GET /healthz?" + b"x" * 1_000_000,
        b"GET /healthz HTTP/1.1\r\n" + b"X: x\r\n" * 101 + b"\r\n",
        EXTRACTION + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: x\r\n" * 50_000,
    ],
    ids=["long", "many", "url", "one too many", "trailers"],
)
def test_headers_without_end_are_refused(own: OwnService, head: bytes) -> None:
    """As soon as they are too many, not when they have ended."""
    with closing(connected(own)) as connection:
        try:
            connection.sendall(head)
        except ConnectionError:
            return
        received = answer(connection)
    assert not received or problem(received)[1] == "headers_too_large"


def test_as_many_headers_as_may_be_are_read(own: OwnService) -> None:
    with closing(connected(own)) as connection:
        headers = b"Host: localhost\r\n" + b"X: x\r\n" * 98 + b"Connection: close\r\n"
        connection.sendall(b"GET /healthz HTTP/1.1\r\n" + headers + b"\r\n")
        assert answer(connection).startswith(b"HTTP/1.1 200")
        received = own.client.get("/healthz", headers={"X": "x" * 60_000})
    assert received.status_code == 200


@pytest.mark.parametrize(
    "sent", [b"nonsense\r\n\r\n", b"\x16\x03\x01\x00" * 10, b"GET  HTTP/9\r\n\r\n"]
)
def test_what_is_not_http_is_told_so(own: OwnService, sent: bytes) -> None:
    with closing(connected(own)) as connection:
        connection.sendall(sent)
        assert problem(answer(connection))[1] == "malformed_request"
