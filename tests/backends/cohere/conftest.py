"""A stand-in for a Cohere server, and a backend that talks to it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from app.backends.cohere.backend import CohereBackend
from app.platform.settings import RemoteServer
from tests.stand_ins.cohere import StandIn, stand_in
from tests.stand_ins.cohere.state import State

KEY = "co-secret-key"


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
    server.latency, server.reply, server.schema_key, server.most_at_once = 0.0, None, "both", 0
    return server


@pytest.fixture
async def backend(server: StandIn) -> AsyncIterator[CohereBackend]:
    backend = backend_at(server.url)
    yield backend
    await backend.close()
