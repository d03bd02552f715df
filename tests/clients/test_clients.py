"""The clients of docs/clients.md: generated, type-checked and used, by the commands of the page."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.own_service import OwnService, own_service

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/clients.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8000"
KEY = "a-key-for-clients-that-were-generated"
MADE = (".venv", "medtune_client", "node_modules", "built", "schema.d.ts", ".mypy_cache")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnService]:
    settings = {"MEDTUNE_ADMIN_KEY": KEY}
    with own_service(tmp_path_factory.mktemp("data"), settings) as service:
        service.client.headers["Authorization"] = f"Bearer {KEY}"
        yield service


@pytest.mark.parametrize(
    ("section", "programs"), [("Python", ["uv"]), ("TypeScript", ["node", "npm"])]
)
def test_the_main_job_runs_in_a_generated_client(
    served: OwnService, tmp_path: Path, section: str, programs: list[str]
) -> None:
    """No warning of the generator, no complaint of the type checker, and a model that finds both.

    The installers keep what they download: only the first run on a machine needs the network.
    """
    search = os.environ["PATH"] + os.pathsep + str(Path(sys.executable).parent)
    for program in programs:
        if shutil.which(program, path=search) is None:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{program} is not installed")
    copied = shutil.copytree(
        ROOT / "clients", tmp_path / "clients", ignore=shutil.ignore_patterns(*MADE)
    )
    for name in ("app", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    # None of what `make` and pytest tell uv of the environment they run in.
    apart = {k: v for k, v in os.environ.items() if not k.startswith(("UV_PROJECT", "VIRTUAL_ENV"))}
    run = subprocess.run(
        ["bash", "-eu", "-c", commands(section).replace(ADDRESS, served.address)],
        cwd=copied.parent,
        env=apart
        | {"MEDTUNE_API_KEY": KEY, "PATH": search, "UV_PYTHON": sys.executable, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "warning" not in (run.stdout + run.stderr).lower()
    found = json.loads(run.stdout.splitlines()[-1])
    assert served.client.get(f"/v1/models/{found['model']}").is_success
    assert "hepatitis" in found["diseases"]
    assert "isoniazid" in found["chemicals"]
    assert 0 < found["f1"] <= 1


@pytest.mark.parametrize(
    ("lock", "field", "hosts"),
    [
        (
            "python/uv.lock",
            "(?:url|registry) =",
            {"https://pypi.org", "https://files.pythonhosted.org"},
        ),
        ("typescript/package-lock.json", '"resolved":', {"https://registry.npmjs.org"}),
    ],
)
def test_locks_name_public_registries(lock: str, field: str, hosts: set[str]) -> None:
    """Whoever clones the project can install what is locked, from nowhere else."""
    text = (ROOT / "clients" / lock).read_text(encoding="utf-8")
    assert set(re.findall(rf'{field} "([^/"]*//[^/"]+)', text)) == hosts


def commands(section: str) -> str:
    """The one block of shell commands in a section of the page."""
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    (found,) = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return str(found)
