"""The image and the compose file: linted, of the right kind, and true to settings and commands."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from compose_spec import PyCompose

from deploy.check.dockerfile import (
    DockerfileError,
    Ignored,
    expanded,
    project_stages,
    read_stages,
)
from deploy.check.image import CommandFailedError, build
from tests.project.deployed import SECRETS, parse, unknown_settings
from tests.project.paths import ROOT

BIN = Path(sys.executable).parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: each for name, each in SERVICES.items() if each["image"] == "medtune"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
STAGES = project_stages(ROOT)
IMAGE = STAGES[-1]
DEFAULT = re.compile(r"\$\{\w+:-(.*?)\}")


def test_dockerfile_has_no_warnings() -> None:
    """Hadolint finds nothing, not even what it calls information."""
    command = [str(BIN / "hadolint"), "--no-color", str(ROOT / "Dockerfile")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


def test_image_runs_as_an_ordinary_user() -> None:
    """By number; signals reach the process, since no shell stands between; with this version."""
    assert IMAGE.last("USER").value == "10001:10001"
    parse(IMAGE.last("CMD").words())
    environment = {
        name: value
        for instruction in IMAGE.instructions
        if instruction.keyword == "ENV"
        for name, value in instruction.assignments().items()
    }
    assert not unknown_settings(environment)
    assert environment["MEDTUNE_DATA_DIR"] == IMAGE.last("VOLUME").value
    labels = IMAGE.last("LABEL").assignments()
    assert labels["org.opencontainers.image.version"] == PROJECT["version"]
    assert labels["org.opencontainers.image.licenses"] == PROJECT["license"]


def test_image_is_built_from_what_is_there() -> None:
    """Each COPY has a source in the project, and .dockerignore lets it through."""
    ignored = Ignored.read((ROOT / ".dockerignore").read_text(encoding="utf-8"))
    copies = [i.value for stage in STAGES for i in stage.instructions if i.keyword == "COPY"]
    sources = [source for copy in copies for source in copy.split()[:-1] if "--from" not in copy]
    assert "app" in sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert ignored.lets_in(source), source


def test_image_has_extras_that_exist() -> None:
    """An extra whose name is wrong would fail only when somebody builds the image."""
    runs = [i.value for i in STAGES[0].instructions if i.keyword == "RUN"]
    extras = [re.findall(r"--extra (\S+)", run) for run in runs if "uv sync" in run]
    assert extras == [["postgres", "openai", "telemetry", "encryption"]] * 2
    assert set(extras[0]) <= set(PROJECT["optional-dependencies"])


def test_compose_file_is_one() -> None:
    """By the types of the compose specification; a misspelt key is seen."""
    PyCompose.from_json(json.dumps(COMPOSE)).validate()
    broken = json.dumps(COMPOSE).replace('"healthcheck"', '"helthcheck"')
    with pytest.raises(ValueError, match="helthcheck"):
        PyCompose.from_json(broken)


def test_compose_starts_one_service_by_default() -> None:
    """`docker compose up` is the API on SQLite; the rest is asked for by profile."""
    assert [name for name, service in SERVICES.items() if "profiles" not in service] == ["api"]
    assert "MEDTUNE_DATABASE_URL" not in SERVICES["api"]["environment"]
    shown = (ROOT / "docker-compose.yml").read_text(encoding="utf-8").splitlines()
    for line in shown:
        if match := re.match(r"# docker compose --profile (\w+) up --scale (\S+)=\d+ (.+)", line):
            profile, scaled, names = match.groups()
            assert scaled in names.split()
            assert all(profile in SERVICES[name]["profiles"] for name in names.split())


def test_compose_names_what_is_there() -> None:
    """Services waited for are in the same profiles, and have what is waited for."""
    for name, service in SERVICES.items():
        volumes = [volume.partition(":")[0] for volume in service.get("volumes", [])]
        assert set(volumes) <= set(COMPOSE["volumes"])
        for other, how in service.get("depends_on", {}).items():
            assert set(service["profiles"]) <= set(SERVICES[other]["profiles"]), (name, other)
            if how["condition"] == "service_healthy":
                assert "test" in SERVICES[other]["healthcheck"]
            else:
                assert how["condition"] == "service_completed_successfully"
                assert SERVICES[other]["restart"] == "no"


@pytest.mark.parametrize("name", SERVICES)
def test_containers_may_do_little(name: str) -> None:
    """Read-only, no capabilities but those named, published on loopback alone."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert "/tmp" in service["tmpfs"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


@pytest.mark.parametrize("name", OURS)
def test_settings_and_commands_of_compose_are_real(name: str) -> None:
    """Variables are settings, command lines parse, and secrets come from the environment."""
    service = OURS[name]
    environment = service["environment"]
    assert not unknown_settings(environment)
    parse(service.get("command", IMAGE.last("CMD").words()))
    for secret in SECRETS & set(environment):
        from_outside = ("_PASSWORD:-", "${MEDTUNE_ADMIN_KEY:?")
        assert any(word in environment[secret] for word in from_outside), secret
    if options := environment.get("MEDTUNE_BLOB_OPTIONS"):
        assert json.loads(DEFAULT.sub(r"\1", options))["endpoint"].startswith("http://s3:")
    seconds = int(service["stop_grace_period"].removesuffix("s"))
    assert seconds >= 20 + 10, "MEDTUNE_SHUTDOWN_SECONDS, and what closing takes"


def test_unknown_things_of_a_dockerfile_are_refused() -> None:
    """What deploy.check does not understand it does not pass over."""
    for text, why in [
        ("FROM a\nADD b c\n", "line 2: ADD is not known"),
        ("RUN a\n", "line 1: RUN before FROM"),
        ("# nothing\n", "no FROM"),
    ]:
        with pytest.raises(DockerfileError, match=re.escape(why)):
            read_stages(text)
    stage = read_stages("FROM a\n\nENV A=1 \\\n    B\nCMD medtune serve\n")[0]
    with pytest.raises(DockerfileError, match="line 3: not NAME=value: B"):
        stage.last("ENV").assignments()
    with pytest.raises(DockerfileError, match="line 5: CMD is not in exec form"):
        stage.last("CMD").words()
    with pytest.raises(DockerfileError, match=re.escape("nothing sets $B")):
        expanded("${A}-$B", {"A": "1"})
    with pytest.raises(DockerfileError, match="not understood"):
        Ignored.read("node_modules\n")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("RUN true && exit 3", "line 2: RUN exit 3: exit code 3"),
        ("COPY secret ./", "line 2: COPY does not find secret"),
        ("COPY --from=build /a /a", "line 2: there is no stage build"),
    ],
)
def test_image_that_cannot_be_built_is_refused(line: str, why: str, tmp_path: Path) -> None:
    """A command that fails, a file that .dockerignore keeps out, a stage that is not there."""
    project, folder = tmp_path / "project", tmp_path / "folder"
    project.mkdir()
    (project / "Dockerfile").write_text(f"FROM a\n{line}\n")
    (project / ".dockerignore").write_text("*\n")
    (project / "secret").touch()
    with pytest.raises((CommandFailedError, DockerfileError), match=re.escape(why)):
        build(project, folder, lambda _line: None)


def test_image_works() -> None:
    """The Dockerfile's own commands make an environment that starts, answers and ends with 0.

    Long, for everything is installed anew; it is the only test that installs what the image does.
    """
    done = subprocess.run(
        [sys.executable, "-m", "deploy.check"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("MEDTUNE_")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for what in ("RUN uv sync", "COPY --from=build", "CMD", "HEALTHCHECK", "SIGTERM"):
        assert f"done: {what}" in done.stdout, done.stdout
