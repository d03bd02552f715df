"""What is shipped is whole, and what the documents tell people to run is there."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.build import build_wheel
from typer.main import get_command

from app.cli import app
from tests.project.paths import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND = r"(?:^|`|\$ )\s*{} ([a-z]+)\b"


def test_wheel_finds_its_migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed wheel, without the checkout, has the migrations, the sample and the types."""
    monkeypatch.chdir(ROOT)
    wheel = tmp_path / build_wheel(str(tmp_path))
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "site")
    migrations = {path.name for path in (ROOT / "alembic" / "versions").glob("*.py")}
    assert migrations
    assert {f"app/alembic/versions/{name}" for name in migrations} <= names
    assert {"app/py.typed", "app/corpora/sample/train.pubtator.txt"} <= names
    assert not any(name.startswith(("tests/", "alembic/")) for name in names)
    script = "from app.platform.database import alembic_config as c; " + (
        "print(c().get_main_option('script_location'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert Path(done.stdout.strip()) == tmp_path / "site" / "app" / "alembic"


def test_one_version_of_uv() -> None:
    """The image and the Makefile make the environment with the same tool."""
    made = re.findall(r"UV_VERSION *:?= *([\d.]+)", MAKEFILE + DOCKERFILE)
    assert len(made) == 2
    assert len(set(made)) == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_exist(page: Path) -> None:
    """Every `make ...` and `medtune ...` on the page is a target or a command."""
    text = page.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    commands = set(get_command(app).commands)  # type: ignore[attr-defined]
    assert set(re.findall(COMMAND.format("make"), text, re.MULTILINE)) <= targets
    assert set(re.findall(COMMAND.format("medtune"), text, re.MULTILINE)) <= commands
