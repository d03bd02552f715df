"""Where the services of these tests keep their state."""

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.databases import environment
from tests.s3 import s3_server


@pytest.fixture
def settings_of_store(database_url: str | None) -> Iterator[dict[str, str]]:
    """On SQLite the data folder, on PostgreSQL a bucket."""
    with ExitStack() as stack:
        settings = environment(database_url)
        if database_url is not None:
            server = stack.enter_context(s3_server())
            settings["MEDTUNE_BLOB_URL"] = server.url
            settings["MEDTUNE_BLOB_OPTIONS"] = json.dumps(server.options)
        yield settings
