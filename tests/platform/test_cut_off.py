"""An answer that cannot be finished is cut off, and that is said; it is no fault of the program."""

from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import StreamingResponse

from app.platform.errors import ApiError, not_found
from app.platform.problem_json import install
from app.platform.requests import OpenEntrance, RequestContext


@pytest.mark.parametrize("error", [not_found("batch", "bat_1"), ValueError("a fault")])
async def test_it_is_told_from_a_fault(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    def lines() -> Iterator[bytes]:
        yield b"one\n"
        raise error

    app = FastAPI()
    install(app)
    app.add_api_route("/", lambda: StreamingResponse(lines()))
    asgi = RequestContext(app, lambda _scope: 100, OpenEntrance())
    transport = httpx.ASGITransport(app=asgi)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        with pytest.raises(AssertionError):  # of the transport: the answer has no end
            await client.get("/")
    said = "".join(capsys.readouterr())
    expected = isinstance(error, ApiError)
    assert ("answer_cut_off" in said) == expected
    assert ("request_broke" in said) != expected
