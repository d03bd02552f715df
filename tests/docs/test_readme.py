"""README's own commands, run by a shell against a real service."""

import json
import re
import shutil
from pathlib import Path

import pytest

from app.own_service import OwnService
from tests.docs.blocks import ROOT, run


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_walkthrough_is_true(served: OwnService, tmp_path: Path) -> None:
    """The commands end in an extraction of the shape shown, then in a comparison and a card."""
    (shown,) = re.findall(r"```json\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    printed = "".join(run("README.md", tmp_path, served.address).values())
    answer, rest = next(
        (json.loads(line), printed.partition(line)[2])
        for line in printed.splitlines()
        if line.startswith('{"id":"ext_')
    )
    expected = json.loads(shown)
    assert answer.keys() == expected.keys()
    assert [i["text"] for i in answer["diseases"]] == [i["text"] for i in expected["diseases"]]
    assert [i["text"] for i in answer["chemicals"]] == [i["text"] for i in expected["chemicals"]]
    # "Measure and compare": a table, files, and the card at the end.
    assert "28 documents, dev" in rest
    assert "# Model card: `sample`" in rest
    assert rest.index("mentions_strict") < rest.index("# Model card") < rest.index("## Lineage")
    for name in ("comparison.md", "comparison.svg", "training.svg"):
        assert (tmp_path / name).stat().st_size > 1000, name
