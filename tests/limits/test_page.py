"""`docs/limits.md` says of each setting what it is."""

import re

import pytest

from app.platform.connections import MOST_HEAD_BYTES, MOST_HEADERS, PIECE_BYTES
from app.platform.settings import Settings
from tests.project.paths import ROOT

PAGE = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
ROWS = {
    row[1].lower(): row[0]
    for row in re.findall(r"^\| [^|]+ \| ([^|]+) \| `MEDTUNE_(\w+)` \|", PAGE, re.MULTILINE)
}
BOUNDS = {name for name in Settings.model_fields if name.startswith("max_")}


def written(name: str) -> str:
    value: int = Settings.model_fields[name].default
    for unit, size in (("GiB", 2**30), ("MiB", 2**20)):
        if name.endswith("_bytes") and value % size == 0:
            return f"{value // size:,} {unit}"
    return f"{value:,}"


def test_has_every_setting() -> None:
    assert ROWS.keys() == BOUNDS | {"requests_per_minute", "slow_client_seconds"}


@pytest.mark.parametrize("name", ROWS)
def test_has_their_defaults(name: str) -> None:
    assert ROWS[name].split(" code ")[0].removesuffix(" seconds") == written(name)


def test_has_the_bounds_of_connections() -> None:
    assert f"| {MOST_HEAD_BYTES // 1024} KiB, {MOST_HEADERS} headers |" in PAGE
    assert f"the next {PIECE_BYTES // 1024} KiB of a body" in PAGE
