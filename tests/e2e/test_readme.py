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
    """The commands of "One model, start to end" end in an extraction of the shape shown."""
    readme = (ROOT / "README.md").read_text()
    section = readme.partition("## One model, start to end")[2]
    (script,) = re.findall(r"```sh\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    (shown,) = re.findall(r"```json\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    assert ADDRESS in script
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
    answer = json.loads(run.stdout.splitlines()[-1])
    expected = json.loads(shown)
    assert answer.keys() == expected.keys()
    assert [i["text"] for i in answer["diseases"]] == [i["text"] for i in expected["diseases"]]
    assert [i["text"] for i in answer["chemicals"]] == [i["text"] for i in expected["chemicals"]]
