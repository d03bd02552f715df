"""The program of docs/migrating-from-cohere.md, run as it stands against a real service."""

import os
import re
import subprocess
import sys
from pathlib import Path

from app.own_service import own_service

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "http://127.0.0.1:8000"


def test_the_page_is_one_program_that_works(tmp_path: Path) -> None:
    """Its blocks, in order, train a model that finds what is in the page's abstract.

    The program itself compares the answers of Cohere's API with those of `/v1`.
    """
    page = (ROOT / "docs/migrating-from-cohere.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    program = "".join(blocks)
    assert ADDRESS in program
    folder, data = tmp_path / "project", tmp_path / "data"
    folder.mkdir()
    data.mkdir()
    (folder / "app").symlink_to(ROOT / "app")
    with own_service(data) as service:
        run = subprocess.run(
            [sys.executable, "-W", "error", "-c", program.replace(ADDRESS, service.address)],
            cwd=folder,
            # The page needs no key and no settings.
            env={k: v for k, v in os.environ.items() if not k.startswith(("CO_", "MEDTUNE_"))},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
    assert run.returncode == 0, run.stderr
    assert "validated []" in run.stdout.splitlines()
    *_, parsed = run.stdout.splitlines()
    for found in (
        "['parkinsonism', 'hepatitis']",
        "'isoniazid'",
        "('Haloperidol', 'parkinsonism')",
    ):
        assert found in parsed, parsed
