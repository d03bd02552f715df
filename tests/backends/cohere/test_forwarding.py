"""Requests of Cohere's API passed on to a server as they are, and its answers passed back."""

import asyncio
import json

import pytest

from app.backends.base import BackendError
from app.backends.cohere.backend import CohereBackend
from tests.backends.cohere.conftest import backend_at
from tests.stand_ins.cohere import StandIn

MODEL = "command-a-03-2025"
BODY = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}


async def test_forwarding_passes_the_answer_on(backend: CohereBackend, server: StandIn) -> None:
    answer = await backend.forward("v2/chat", json.dumps(BODY).encode())
    body = json.loads(b"".join([chunk async for chunk in answer.chunks]))
    assert (answer.status, body["finish_reason"]) == (200, "COMPLETE")
    assert answer.headers["content-type"] == "application/json"
    assert "content-length" not in answer.headers
    assert server.log[-1].json() == BODY
    assert server.log[-1].headers["authorization"] == "Bearer co-secret-key"


async def test_forwarding_streams(backend: CohereBackend, server: StandIn) -> None:
    server.reply = lambda _system, _user: "- one\n- two\n- three"
    answer = await backend.forward("v2/chat", json.dumps({**BODY, "stream": True}).encode())
    assert answer.headers["content-type"].startswith("text/event-stream")
    body = b"".join([chunk async for chunk in answer.chunks])
    assert body.count(b"event: content-delta") == 3
    assert body.count(b"event: message-end") == 1


async def test_forwarding_passes_refusals_on(backend: CohereBackend) -> None:
    answer = await backend.forward("/v1/generate", b"{}")
    body = json.loads(b"".join([chunk async for chunk in answer.chunks]))
    assert answer.status == 404
    assert "was removed" in body["message"]


async def test_forwarding_passes_gets_on(backend: CohereBackend, server: StandIn) -> None:
    answer = await backend.forward("v1/models", method="GET", params={"page_size": "1"})
    body = json.loads(b"".join([chunk async for chunk in answer.chunks]))
    assert len(body["models"]) == 1
    assert server.log[-1].query == "page_size=1"


async def test_forwarding_to_nobody() -> None:
    backend = backend_at("http://127.0.0.1:9")
    with pytest.raises(BackendError) as raised:
        await backend.forward("v2/chat", b"{}")
    assert raised.value.code == "backend_unavailable"
    await backend.close()


class Endless:
    """A server that streams for ever; `left` is set once its client has gone."""

    def __init__(self) -> None:
        self.left = asyncio.Event()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        try:
            for _ in range(2000):
                writer.write(b"data: x\n\n")
                await writer.drain()
                await asyncio.sleep(0.001)
        except ConnectionError:
            self.left.set()
        finally:
            writer.close()


@pytest.mark.parametrize("reads", [0, 1])
async def test_closing_early_ends_the_call_to_the_server(reads: int) -> None:
    endless = Endless()
    async with await asyncio.start_server(endless.serve, "127.0.0.1", 0) as listening:
        backend = backend_at(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}")
        answer = await backend.forward("v2/chat", b"{}")
        for _ in range(reads):
            assert await anext(answer.chunks)
        await answer.chunks.aclose()
        await asyncio.wait_for(endless.left.wait(), 1.5)
        await backend.close()


async def test_a_stream_that_breaks_off_is_an_error_of_the_backend() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        backend = backend_at(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}")
        answer = await backend.forward("v2/chat", b"{}")
        with pytest.raises(BackendError) as raised:
            [chunk async for chunk in answer.chunks]
        assert raised.value.code == "backend_unavailable"
        await backend.close()
