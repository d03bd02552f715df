"""The fault suite in short: points of it on SQLite and on PostgreSQL; `make faults` has more."""

import os

import pytest

from faults.__main__ import main
from faults.run import usable

# A file that is read, shards that workers share, texts that are to go, a server that wants money.
SCENARIOS = ["ingest", "local batch", "batch without texts", "remote fine-tune"]


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_nothing_is_lost_doubled_stuck_or_kept(
    database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if (why := usable(database)) is not None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    only = [word for scenario in SCENARIOS for word in ("--only", scenario)]
    code = main(["--seed", "short", "--points", str(len(SCENARIOS)), "--database", database, *only])
    assert code == 0, capsys.readouterr().out
