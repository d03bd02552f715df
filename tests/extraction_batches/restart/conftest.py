"""A server that batches ask."""

from collections.abc import Iterator

import pytest

from tests.backends.openai.server import Port, Server, open_port


@pytest.fixture
def port() -> Iterator[Port]:
    """It finds the same two chemicals in every text."""
    with open_port() as port:
        port.server = Server(port.url)
        port.server.says = {"chemicals": "- haloperidol\n- clozapine\n"}
        yield port
