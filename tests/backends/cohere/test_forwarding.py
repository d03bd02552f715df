"""Requests of Cohere's API passed on to a server as they are, and its answers passed back."""

import json
from collections.abc import Iterator

import pytest

from app.backends.base import BackendError
from app.backends.cohere.backend import CohereBackend
from tests.backends.cohere.conftest import backend_at, speaking
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


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"


@pytest.mark.parametrize("reads", [0, 1])
async def test_closing_early_ends_the_call_to_the_server(reads: int) -> None:
    sent = []

    def endless() -> Iterator[bytes]:
        yield HEAD + b"\r\n"
        for number in range(5000):
            sent.append(number)
            yield b"data: x\n\n"

    async with speaking(endless(), pause=0.001) as url:
        backend = backend_at(url)
        answer = await backend.forward("v2/chat", b"{}")
        for _ in range(reads):
            assert await anext(answer.chunks)
        await answer.chunks.aclose()
    # The server noticed, and stopped; the backend is still open.
    assert len(sent) < 5000
    await backend.close()


async def test_a_stream_that_breaks_off_is_an_error_of_the_backend() -> None:
    async with speaking([HEAD + b"Content-Length: 1000\r\n\r\nsome"]) as url:
        backend = backend_at(url)
        answer = await backend.forward("v2/chat", b"{}")
        with pytest.raises(BackendError) as raised:
            [chunk async for chunk in answer.chunks]
        assert raised.value.code == "backend_unavailable"
        await backend.close()
