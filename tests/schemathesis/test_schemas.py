"""Every call of the OpenAPI file, asked as schemathesis makes requests of the file; `make faults`
asks far more of them."""

import os

import pytest

from faults.schemas import DATABASES, ask
from tests.postgres import binaries

SEED = 20261129
_SECONDS = 300


@pytest.mark.parametrize("database", DATABASES)
def test_answers_are_as_the_file_says(database: str) -> None:
    """Examples, a few random requests of each call, and chains of calls: a few hundred in all."""
    if database == "postgres" and binaries() is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no PostgreSQL")
    few = ["--phases=examples,fuzzing,stateful", "--max-examples=2"]
    done = ask(database, SEED, [*few, "--no-shrink"], _SECONDS, silent=True)
    assert done.returncode == 0, done.stdout
