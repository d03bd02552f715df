"""The fault suite in short: points of it on SQLite and on PostgreSQL; `make faults` has more."""

import os

import pytest

from faults.__main__ import main
from faults.run import usable

# A file that is read, shards that workers share, a server that wants money.
SCENARIOS = ["ingest", "local batch", "remote fine-tune"]


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_nothing_is_lost_doubled_or_stuck(
    database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if (why := usable(database)) is not None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    only = [word for scenario in SCENARIOS for word in ("--only", scenario)]
    code = main(["--seed", "short", "--points", "3", "--database", database, *only])
    assert code == 0, capsys.readouterr().out
