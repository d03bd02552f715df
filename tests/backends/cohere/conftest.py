"""A stand-in for a Cohere server, and a backend that talks to it."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress

import pytest

from app.backends.base import BackendError, ExtractOptions
from app.backends.cohere.backend import CohereBackend
from app.platform.remote_settings import RemoteServer
from app.prompts.tasks import Task
from tests.stand_ins.cohere import StandIn, stand_in
from tests.stand_ins.cohere.state import State

KEY = "co-secret-key"
MODEL = "command-a-03-2025"
TEXT = "Aspirin is not a cause of glaucoma. Lithium may be."
DISEASES = frozenset({Task.DISEASES})
CHAT = r"/v2/chat"


def backend_at(
    url: str | None, *, key: str | None = KEY, timeout: float = 10, attempts: int = 1
) -> CohereBackend:
    """A backend called `cohere-vault`, not yet open."""
    return CohereBackend(
        "cohere-vault",
        RemoteServer.model_validate({"base_url": url, "api_key": key}),
        timeout=timeout,
        attempts=attempts,
        poll_seconds=1,
    )


async def failing(backend: CohereBackend, model: str = MODEL, **how: str) -> BackendError:
    """The error of an extraction that must fail; it holds nothing of the text."""
    with pytest.raises(BackendError) as raised:
        await backend.extract(model, [TEXT], DISEASES, ExtractOptions(**how))  # type: ignore[arg-type]
    assert "Aspirin" not in f"{raised.value!r} {raised.value.message} {raised.value.hint}"
    return raised.value


@asynccontextmanager
async def speaking(pieces: Iterable[bytes], *, pause: float = 0.0) -> AsyncIterator[str]:
    """A server that sends these bytes, whatever it is asked, until its client goes; its URL.

    At the end it waits until its clients have gone.
    """
    served: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        served.add(task)
        with suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        async with asyncio.timeout(30):
            await asyncio.gather(*served)


@pytest.fixture(scope="package")
def running_server() -> Iterator[StandIn]:
    with stand_in(api_key=KEY) as server:
        yield server


@pytest.fixture
def server(running_server: StandIn) -> StandIn:
    """The one stand-in of this package's tests, as new: starting one for each takes longer."""
    server = running_server
    vars(server.state).update(vars(State()))
    server.faults.clear()
    server.log.clear()
    server.hooks.clear()
    server.latency, server.reply, server.schema_key, server.most_at_once = 0.0, None, "both", 0
    return server


@pytest.fixture
async def backend(server: StandIn) -> AsyncIterator[CohereBackend]:
    backend = backend_at(server.url)
    yield backend
    await backend.close()
