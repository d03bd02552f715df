"""The command line as a process, with the settings given and no others."""

import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

SAMPLE = Path(str(files("app.corpora") / "sample"))
TRAIN, DEV = (str(SAMPLE / f"{split}.pubtator.txt") for split in ("train", "dev"))
RULES = "local:rules"
TEXT = "Two patients developed hepatitis after isoniazid.\n"


def medtune(
    *arguments: object, given: str | bytes = "", **environment: str
) -> "subprocess.CompletedProcess[str]":
    """The finished process, with these settings alone."""
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", *map(str, arguments)],
        input=given.encode() if isinstance(given, str) else given,
        env=surroundings(**environment),
        capture_output=True,
        timeout=120,
        check=False,
    )
    out, error = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in error, error
    return subprocess.CompletedProcess(done.args, done.returncode, out, error)


def surroundings(**environment: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MEDTUNE_")}
    return kept | environment
