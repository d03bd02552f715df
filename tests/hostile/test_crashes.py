"""Inputs that broke a parser once, kept as `crashes/<target>/<sha1>`, and what fuzzing begins with.

`python -m faults.fuzz` finds them; what has to hold of an input is said in `faults.fuzz`.
"""

from pathlib import Path

import pytest

from faults.fuzz.targets import TARGETS

CRASHES = sorted(path for path in (Path(__file__).parent / "crashes").rglob("*") if path.is_file())


@pytest.mark.parametrize("path", CRASHES, ids=lambda path: f"{path.parent.name}-{path.name[:8]}")
def test_what_broke_a_parser_breaks_it_no_more(path: Path) -> None:
    TARGETS[path.parent.name].check(path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_what_fuzzing_begins_with_is_sound(name: str) -> None:
    seeds = TARGETS[name].seeds()
    assert seeds
    for seed in seeds:
        assert len(seed) <= TARGETS[name].max_bytes
        TARGETS[name].check(seed)
