"""The import rules of pyproject.toml hold, and they see what breaks them."""

import subprocess
import sys
from pathlib import Path

from tests.project.paths import ROOT


def test_lint_imports() -> None:
    """Every contract is kept; the output of a broken one names the import at fault."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken." in done.stdout
