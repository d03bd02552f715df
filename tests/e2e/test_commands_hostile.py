"""What a user can get wrong with `medtune evaluate` and `medtune curve`: told in words, early."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from typer.testing import CliRunner, Result

from app.cli import app
from app.own_service import OwnService, own_service
from tests.stand_ins.cohere.server import running

SAMPLE = Path(str(files("app.corpora") / "sample")) / "dev.pubtator.txt"
EVALUATE = ("evaluate", "local:rules", "--dataset", SAMPLE)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnService]:
    with own_service(tmp_path_factory.mktemp("data")) as service:
        yield service


def medtune(server: str, *arguments: object) -> Result:
    given = list(map(str, arguments))
    return CliRunner().invoke(app, given, env={"MEDTUNE_SERVER": server})


def told(result: Result) -> str:
    """What it says on stderr before it ends with 1; an exception would not be a SystemExit."""
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    return result.stderr


def test_files_that_cannot_be_written(served: OwnService, tmp_path: Path) -> None:
    """A folder is found before the evaluation, a full disk after it; the curve is the same."""
    for kind in ("json", "markdown"):
        said = told(medtune(served.address, *EVALUATE, f"--{kind}={tmp_path}"))
        assert said == f"{tmp_path} is a folder, not a file.\n"
        assert "28 documents" not in said
    (tmp_path / "c.svg").mkdir()
    for arguments in ((*EVALUATE, "--plot"), ("curve", "ft_0", "-o")):
        said = told(medtune(served.address, *arguments, tmp_path / "c.svg"))
        assert "is a folder" in said
    said = told(medtune(served.address, *EVALUATE, "--json=/dev/full"))
    assert "/dev/full cannot be written: No space left on device." in said


@pytest.mark.parametrize("price", ["nan,1", "1,inf", "-inf,1"])
def test_prices_are_numbers(served: OwnService, price: str) -> None:
    """JSON has no such numbers."""
    arguments = (*EVALUATE, f"--price=local:rules={price}")
    assert "A price is written" in told(medtune(served.address, *arguments))


@pytest.mark.parametrize("given", ["ds_\x01", "ds_../../models/local:rules", "ds_?a#b", "ds_😀"])
def test_ids_are_ids(served: OwnService, given: str) -> None:
    """Whatever characters an id has, it is that of a dataset or a fine-tune, and there is none."""
    said = told(medtune(served.address, "evaluate", "local:rules", "--dataset", given))
    assert said.startswith("Not found: ")
    said = told(medtune(served.address, "curve", given, "-o", "x.svg"))
    assert said.startswith("Not found: ")
    assert not Path("x.svg").exists()


def test_a_file_without_lines_is_told_without_one(served: OwnService, tmp_path: Path) -> None:
    """The format is a fault of the whole file."""
    (tmp_path / "x.txt").write_text("no corpus")
    arguments = ("evaluate", "local:rules", "--dataset", tmp_path / "x.txt")
    said = told(medtune(served.address, *arguments))
    assert "  x.txt: the format was not recognised. Name the format" in said


@pytest.mark.parametrize("answer", [[], {}, {"id": "1"}, {"id": 1, "finished_at": "2026"}])
def test_what_answers_may_be_no_medtune(answer: object) -> None:
    """JSON of something else, as any server on the port might send, is no traceback."""

    async def say(_request: object) -> JSONResponse:
        return JSONResponse(answer)

    stranger = Starlette(routes=[Route("/{path:path}", say, methods=["GET", "POST"])])
    with running(stranger) as address:
        for dataset in ("ds_1", SAMPLE):
            arguments = ("evaluate", "local:rules", "--dataset", dataset)
            assert "there is no Medtune" in told(medtune(address, *arguments))
        assert "there is no Medtune" in told(medtune(address, "curve", "ft_1", "-o", "x.svg"))


def test_files_are_written_though_nobody_reads(served: OwnService, tmp_path: Path) -> None:
    """A closed stdout, or a pipe that is left, takes nothing from the files.

    The progress is on stderr: what is shown begins with the table. A name that the encoding of
    stdout does not have is shown with a replacement.
    """
    command = [sys.executable, "-m", "app.cli", *map(str, EVALUATE), "--name=é😀"]
    environment = os.environ | {"MEDTUNE_SERVER": served.address, "PYTHONIOENCODING": "ascii"}
    shown = subprocess.run(
        command, env=environment, capture_output=True, timeout=60, check=True
    ).stdout
    assert b"28 documents" in shown
    assert b"100.0 %" not in shown
    for number, redirection in enumerate((">&-", "| head -n 1")):
        path = tmp_path / f"{number}.json"
        line = f'"$@" {redirection}'
        subprocess.run(
            ["/bin/sh", "-c", line, "sh", *command, f"--json={path}"],
            env=environment,
            stderr=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
        assert json.loads(path.read_text())["status"] == "succeeded"
