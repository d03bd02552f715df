"""What becomes of an extraction when its Cohere server fails; over real HTTP."""

import json

import pytest

from app.backends.cohere.backend import CohereBackend
from tests.backends.cohere.conftest import (
    CHAT,
    DISEASES,
    MODEL,
    TEXT,
    backend_at,
    failing,
    speaking,
)
from tests.stand_ins.cohere import Fault, StandIn


@pytest.mark.parametrize(
    ("fault", "code", "retryable"),
    [
        (Fault.error(400, "bad: Aspirin"), "backend_failed", False),
        (Fault.error(400, "too many tokens: Aspirin"), "text_too_long", False),
        (Fault.error(401, "invalid api token"), "backend_failed", False),
        (Fault.error(402, "billing limit"), "backend_failed", False),
        (Fault.error(404, "model 'x' not found"), "model_not_found", False),
        (Fault.html(404), "backend_failed", False),
        (Fault.too_many(retry_after=7), "backend_unavailable", True),
        (Fault.error(500), "backend_failed", True),
        (Fault.html(502), "backend_failed", True),
        (Fault.html(503), "backend_unavailable", True),
        (Fault.error(504), "backend_timeout", True),
        (Fault.cut(), "backend_unavailable", True),
        (Fault.answer(b""), "backend_failed", False),
        (Fault.answer(b"{}"), "backend_failed", False),
        (Fault.answer(b"[1, 2]"), "backend_failed", False),
        (Fault.answer(b'"text"'), "backend_failed", False),
        (Fault.answer(b'{"finish_reason": "COMPLETE"}'), "backend_failed", False),
        (Fault.answer(b'{"message": {"content": [{"type": "te'), "backend_failed", False),
        (Fault.answer(b"\xff\xfe\xfa"), "backend_failed", False),
        (Fault.answer(b"[" * 100_000), "backend_failed", False),
        (Fault.html(200), "backend_failed", False),
        (Fault(200, b"packed", {"content-encoding": "gzip"}), "backend_failed", False),
    ],
)
async def test_failures_are_told_truly(
    backend: CohereBackend, server: StandIn, fault: Fault, code: str, retryable: bool
) -> None:
    server.faults.add(CHAT, fault)
    error = await failing(backend)
    assert (error.code, error.retryable) == (code, retryable)
    assert "cohere-vault" in error.message
    assert "secret" not in f"{error!r}{error.message}{error.hint}"
    # It goes on.
    assert await backend.extract(MODEL, [TEXT], DISEASES)


async def test_retry_after_is_passed_on(backend: CohereBackend, server: StandIn) -> None:
    server.faults.add(CHAT, Fault.too_many(retry_after=7))
    assert (await failing(backend)).retry_after == 7


@pytest.mark.parametrize(
    ("finish", "code"), [("ERROR", "backend_failed"), ("TIMEOUT", "backend_timeout")]
)
async def test_generations_that_fail(
    backend: CohereBackend, server: StandIn, finish: str, code: str
) -> None:
    answer = {"finish_reason": finish, "message": {"role": "assistant", "content": []}}
    server.faults.add(CHAT, Fault.answer(json.dumps(answer).encode()))
    error = await failing(backend)
    assert (error.code, error.retryable) == (code, True)


async def test_an_answer_with_odd_parts_is_still_read(
    backend: CohereBackend, server: StandIn
) -> None:
    said = {"type": "text", "text": '{"diseases": []}'}
    content = [{"type": "draft", "text": "{"}, {"type": "text", "text": None}, said]
    answer = {
        "finish_reason": "SOMETHING_NEW",
        "message": {"role": "assistant", "content": content},
        "usage": {"tokens": {"input_tokens": "many", "output_tokens": 3.0}},
    }
    server.faults.add(CHAT, Fault.answer(json.dumps(answer).encode()))
    (found,) = await backend.extract(MODEL, [TEXT], DISEASES)
    assert (found.input_tokens, found.output_tokens, found.warnings) == (0, 3, ())


async def test_it_tries_again(server: StandIn) -> None:
    backend = backend_at(server.url, attempts=3)
    server.faults.add(CHAT, Fault.too_many(retry_after=0))
    server.faults.add(CHAT, Fault.cut())
    assert await backend.extract(MODEL, [TEXT], DISEASES)
    assert len(server.asked("POST", CHAT)) == 3
    await backend.close()


async def test_an_answer_too_late(server: StandIn) -> None:
    backend = backend_at(server.url, timeout=0.1)
    server.faults.add(CHAT, Fault.slow(5))
    assert (await failing(backend)).code == "backend_timeout"
    await backend.close()


async def test_an_answer_that_trickles_in() -> None:
    """Each byte in time, the whole never."""
    answer = [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", *[b" "] * 150]
    async with speaking(answer, pause=0.02) as url:
        backend = backend_at(url, timeout=0.2)
        assert (await failing(backend, mode="list")).code == "backend_timeout"
        await backend.close()


async def test_nobody_there() -> None:
    backend = backend_at("http://127.0.0.1:9")
    error = await failing(backend)
    assert (error.code, error.retryable) == ("backend_unavailable", True)
    assert await backend.base_models() == []
    await backend.close()


async def test_a_wrong_key(server: StandIn) -> None:
    backend = backend_at(server.url, key="wrong")
    assert (await failing(backend)).code == "backend_failed"
    await backend.close()
