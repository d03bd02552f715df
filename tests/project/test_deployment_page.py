"""What docs/deployment.md tells people to do is true: the unit, the values, the backups."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from app.own_service import own_service
from tests.databases import environment
from tests.e2e.test_bucket_story import look, tuned
from tests.postgres import Postgres, binaries
from tests.project.deployed import parse, unknown_settings
from tests.project.paths import ROOT
from tests.project.test_deployment_chart import rendered

PAGE = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")


def blocks(heading: str, language: str) -> list[str]:
    """The blocks of code in this language under a heading, down to the next heading."""
    text = re.split(r"^##+ ", PAGE.partition(f"# {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[
        0
    ]
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_unit_starts_what_there_is() -> None:
    """Its command line parses, and systemd waits longer than Medtune takes to stop."""
    unit = ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    [text] = blocks("systemd", "ini")
    unit.read_string(text)
    service = unit["Service"]
    program, *arguments = service["ExecStart"].split()
    parse([Path(program).name, *arguments])
    assert not unknown_settings([service["Environment"].partition("=")[0]])
    assert int(service["TimeoutStopSec"]) >= 20 + 10
    assert service["WorkingDirectory"] == f"/var/lib/{service['StateDirectory']}"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_unit_is_understood(tmp_path: Path) -> None:
    """No option is misspelt. (The program is one that is there.)"""
    [text] = blocks("systemd", "ini")
    unit = tmp_path / "medtune.service"
    unit.write_text(text.replace("/opt/medtune/bin/medtune", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_values_can_be_rendered() -> None:
    """The values of the page give an API, two kinds of workers and a migration."""
    [text] = blocks("Kubernetes", "yaml")
    manifests = rendered(yaml.safe_load(text))
    names = {m["metadata"]["name"] for m in manifests if m["kind"] in {"Deployment", "Job"}}
    assert names == {
        "rel-medtune",
        "rel-medtune-worker-all",
        "rel-medtune-worker-bulk",
        "rel-medtune-migrate",
    }


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def urls(request: pytest.FixtureRequest) -> Iterator[tuple[str, str | None, str | None]]:
    """The heading, the database to back up, and an empty one to restore."""
    if request.param == "SQLite":
        yield request.param, None, None
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database(request.getfixturevalue("migrated")) as url, server.database() as empty:
        yield request.param, url, empty


def test_backups_can_be_restored(urls: tuple[str, str | None, str | None], tmp_path: Path) -> None:
    """A service on what was restored shows the same documents, and its model answers the same.

    By the page's own commands; on PostgreSQL with the service at work.
    """
    heading, url, empty = urls
    data, restored = tmp_path / "data", tmp_path / "restored"
    save, restore = blocks(heading, "sh")
    for folder in (data, restored):
        folder.mkdir()
    with own_service(data, environment(url)) as service:
        made = tuned(service.client, service.client)
        before = look(service.client, *made)
        if url is not None:
            run(save, url, data)
    if url is None:
        run(save, url, data)
    shutil.rmtree(data)
    run(restore, empty, restored)
    with own_service(restored, environment(empty)) as service:
        assert look(service.client, *made) == before


def run(script: str, url: str | None, data: Path) -> None:
    """Run lines of the page for a service on this database and folder; backups go beside it."""
    programs = binaries()
    subprocess.run(
        ["bash", "-eu", "-c", script],
        env={
            "PATH": os.environ["PATH"] + (f":{programs}" if programs else ""),
            "BACKUP": str(data.parent),
            "MEDTUNE_DATA_DIR": str(data),
            "DATABASE": (url or "").replace("+psycopg", ""),
        },
        check=True,
        timeout=120,
    )
