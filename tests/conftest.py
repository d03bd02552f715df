"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest

pytest_plugins = ["tests.databases"]

_DEFAULT_CORPUS = Path(__file__).resolve().parents[1] / "../shared/corpora/bc5cdr"


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of the real BC5CDR files; tests that want it are skipped, saying so, without."""
    folder = Path(os.environ.get("MEDTUNE_CORPUS", _DEFAULT_CORPUS)).resolve()
    if not (folder / "train.pubtator.txt").is_file():
        pytest.skip(f"no BC5CDR corpus at {folder}; set MEDTUNE_CORPUS to its folder")
    return folder
