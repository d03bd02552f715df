"""A service whose notifications may go to this machine, and receivers for them to go to."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as Received
from standardwebhooks import Webhook

from app import main
from app.platform.settings import Settings
from tests.api.conftest import Json, running
from tests.databases import NewDatabase

TARGETS, DELIVERIES = "/v1/notification-targets", "/v1/notification-deliveries"


@dataclass
class Post:
    """One request that a receiver got."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The id of the message."""
        return self.headers["webhook-id"]

    @property
    def message(self) -> Json:
        """The body."""
        decoded: Json = json.loads(self.body)
        return decoded


@dataclass
class Receiver:
    """An HTTP server on this machine; `answer` gives status and headers for the n-th request."""

    address: str = ""
    posts: list[Post] = field(default_factory=list)
    endless: bool = False  # whether the body of an answer never ends
    sent: int = 0  # bytes of such a body
    cut_off: bool = False  # whether the other side has closed the connection on it
    answer: Callable[[int, Post], tuple[int, dict[str, str]]] = lambda _n, _post: (204, {})


@contextmanager
def receiver(host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver that has started."""
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # a connection may be kept: who sends decides

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            post = Post(self.path, headers, body)
            state.posts.append(post)
            status, answered = state.answer(len(state.posts), post)
            self.send_response(status)
            for name, value in answered.items():
                self.send_header(name, value)
            self.send_header("content-length", str(2**40) if state.endless else "0")
            self.end_headers()
            with suppress(OSError):  # until the other side has had enough
                while state.endless:
                    self.wfile.write(b" " * 1024)
                    state.sent += 1024
            state.cut_off = state.endless

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        daemon_threads = True

    server = Server((host, 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    name = f"[{host}]" if ":" in host else host
    state.address = f"{'https' if tls else 'http'}://{name}:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


class Mailbox(Received):
    """Keeps what an SMTP server is given."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[object] = []
        self.refusals = 0  # so many mails are not taken

    async def handle_RCPT(  # noqa: N802
        self, _server: object, _session: object, envelope: Any, address: str, options: Any
    ) -> str:
        """Take a recipient, or not now."""
        if self.refusals:
            self.refusals -= 1
            return "450 4.2.0 not now"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    def handle_message(self, message: object) -> None:
        """Keep it."""
        self.mails.append(message)


@contextmanager
def smtp_server() -> Iterator[tuple[Mailbox, int]]:
    """A real SMTP server on this machine: what it was given, and its port."""
    mailbox = Mailbox()
    with socket.socket() as probe:  # the controller wants to know its port before
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield mailbox, port
    finally:
        controller.stop()


@asynccontextmanager
async def service(folder: Path, url: str | None, **more: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A service whose notifications may go to this machine."""
    settings = Settings(
        data_dir=folder, database_url=url, notify_private=True, _env_file=None, **more
    )
    async with running(settings) as client:
        yield client


@pytest.fixture(scope="package")
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    """The SMTP server of this folder's service."""
    with smtp_server() as server:
        yield server


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def client(
    tmp_path_factory: pytest.TempPathFactory,
    new_database: NewDatabase,
    mailbox: tuple[Mailbox, int],
) -> AsyncIterator[httpx.AsyncClient]:
    """One service for all tests of this folder."""
    more: dict[str, Any] = {
        "smtp_host": "127.0.0.1",
        "smtp_port": mailbox[1],
        "smtp_security": "none",
        "smtp_from": "Medtune <medtune@example.org>",
        "public_url": "https://medtune.example.org/",
    }
    with new_database() as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr(main, "LOOK_SECONDS", 0.1)  # for attempts that have become due
        async with service(tmp_path_factory.mktemp("data"), url, **more) as client:
            yield client


@pytest.fixture
def hook() -> Iterator[Receiver]:
    """A receiver of one test."""
    with receiver() as state:
        yield state


async def target(client: httpx.AsyncClient, address: str, **more: object) -> Json:
    """A new target."""
    body = {"kind": "webhook", "address": address, "events": [], **more}
    answer = await client.post(TARGETS, json=body)
    assert answer.status_code == 201, answer.text
    created: Json = answer.json()
    return created


async def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def ended(client: httpx.AsyncClient, delivery_id: str, seconds: float = 60) -> Json:
    """A delivery once it has ended."""
    async with asyncio.timeout(seconds):
        while True:
            answer = await client.get(f"{DELIVERIES}/{delivery_id}")
            assert answer.status_code == 200, answer.text
            delivery: Json = answer.json()
            if delivery["status"] != "waiting":
                return delivery
            await asyncio.sleep(0.05)


def verified(post: Post, secret: str) -> Json:
    """The body of a message whose signature holds."""
    message: Json = Webhook(secret).verify(post.body, post.headers)
    return message
