"""README's own commands, run by a shell against a real service."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from app.own_service import own_service

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "http://127.0.0.1:8000"


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_walkthrough_is_true(tmp_path: Path) -> None:
    """The commands end in an extraction of the shape shown, then in a comparison and a card."""
    readme = (ROOT / "README.md").read_text()
    script = block(readme, "One model, start to end", "sh")
    shown = block(readme, "One model, start to end", "json")
    compared = block(readme, "Measure and compare", "sh").replace("/tmp/", f"{tmp_path}/")
    assert ADDRESS in script
    script += f"echo\n{compared}"
    with own_service(tmp_path) as service:
        run = subprocess.run(
            ["bash", "-eu", "-c", script.replace(ADDRESS, service.address)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
    assert run.returncode == 0, run.stderr
    answer, rest = next(
        (json.loads(line), run.stdout.partition(line)[2])
        for line in run.stdout.splitlines()
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


def block(page: str, section: str, language: str) -> str:
    """The one block of code in this language in a section."""
    text = page.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    (found,) = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return str(found)
