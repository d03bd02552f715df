"""An answer that cannot be finished is cut off, and that is said; it is no fault of the program."""

import asyncio
import json
import socket
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import StreamingResponse

from app.platform.errors import ApiError, not_found
from app.platform.logs import configure_logs
from app.platform.problem_json import install
from app.platform.requests import OpenEntrance, RequestContext
from app.platform.server import serve_until


@pytest.mark.usefixtures("logs_restored")
@pytest.mark.parametrize("error", [not_found("batch", "bat_1"), ValueError("a fault")])
async def test_it_is_told_from_a_fault(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once, and not again by the server; what is a fault is logged as an error."""

    configure_logs("INFO")

    def lines() -> Iterator[bytes]:
        yield b"one\n"
        raise error

    app = FastAPI()
    install(app)
    app.add_api_route("/", lambda: StreamingResponse(lines()))
    app.add_middleware(RequestContext, limit=lambda _scope: 100, entrance=OpenEntrance())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    stopping = asyncio.Event()
    serving = serve_until(
        stopping, app, host="127.0.0.1", port=port, shutdown_seconds=1, slow_client_seconds=30
    )
    server = asyncio.create_task(serving)
    transport = httpx.AsyncHTTPTransport(retries=5)
    async with httpx.AsyncClient(transport=transport, timeout=30) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(f"http://127.0.0.1:{port}/")
    stopping.set()
    assert await server
    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    events = [line["event"] for line in said]
    levels = {line["level"] for line in said}
    if isinstance(error, ApiError):
        assert "answer_cut_off" in events
        assert "error" not in levels
    else:
        assert "request_broke" in events
        assert "answer_cut_off" not in events
