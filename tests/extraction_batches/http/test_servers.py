"""Batches of a model on a server that fails, and uploads that are refused before they are read."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.backends.openai.server import Fault, Port, Server
from tests.extraction_batches.http.conftest import PATH, TEXT, done, jsonl, results

pytestmark = pytest.mark.asyncio(loop_scope="package")

ASKED = {"model": "openai:base", "tasks": "chemicals", "options": '{"mode": "list"}'}


async def test_failures_that_pass_are_not_seen(client: httpx.AsyncClient, server: Server) -> None:
    """A server that is broken, busy or cut off for a moment has answered all texts in the end."""
    for status in (500, 429, None):
        server.fault = Fault(status, "{}", times=2)
        batch = await done(client, jsonl([TEXT] * 4), ASKED)
        assert (batch["succeeded"], batch["failed"]) == (4, 0)
        for line in await results(client, batch):
            assert [item["text"] for item in line["extraction"]["chemicals"]] == ["Haloperidol"]


class Choosy(Server):
    """Refuses what is too long for it."""

    async def chat(self, request: Request) -> Response:
        if b"too long" in await request.body():
            return JSONResponse({"error": {"message": "exceeds the context length"}}, 400)
        return await super().chat(request)


async def test_failures_that_do_not_pass_cost_a_text_each(
    client: httpx.AsyncClient, port: Port
) -> None:
    """With the code that a single extraction would have had; what was paid for is counted."""
    port.server = Choosy(port.url)
    batch = await done(client, jsonl([TEXT, "This is too long.", TEXT, TEXT]), ASKED)
    assert (batch["succeeded"], batch["failed"]) == (3, 1)
    (failed,) = (await client.get(f"{PATH}/{batch['id']}/failures")).json()["items"]
    assert (failed["index"], failed["code"]) == (1, "text_too_long")
    assert "too long." not in failed["message"]
    lines = await results(client, batch)
    tokens = [line["extraction"]["usage"]["input_tokens"] for line in lines if "error" not in line]
    assert batch["usage"]["input_tokens"] == sum(tokens) > 0


async def test_fields_are_checked_before_the_file_is_received(client: httpx.AsyncClient) -> None:
    """Of a long upload with a model that is not there, not much is read."""
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nlocal:none\r\n'
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
        for _ in range(20):
            sent += 1
            yield b'"text"\n' * 100_000
        yield b"\r\n--x--\r\n"

    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = await client.post(PATH, content=body(), headers=headers)
    assert answer.json()["code"] == "model_not_found"
    assert sent < 5
