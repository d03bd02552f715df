"""One service for all pages, and the first steps, walked once for the pages that go on there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.own_service import OwnService, own_service
from tests.docs.blocks import ROOT, run

FIRST_STEPS = "docs/first-steps.md"
# What the first steps leave in their shell.
_NAMES = "declare -f id ended; declare -p API SAMPLE DATASET FILE TUNE MODEL"


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnService]:
    """`medtune serve`, with receivers of notifications on this machine allowed."""
    settings = {"MEDTUNE_NOTIFY_PRIVATE": "true"}
    with own_service(tmp_path_factory.mktemp("docs"), settings) as service:
        yield service


@pytest.fixture(scope="package")
def first_steps(served: OwnService, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Code of the shell that sets the names of the first steps, once these have been walked."""
    folder: Path = tmp_path_factory.mktemp("first-steps")
    page = (ROOT / FIRST_STEPS).read_text()
    page += f"\n```sh\n{{ {_NAMES}; }} > names.sh\n```\n"
    run(FIRST_STEPS, folder, served.address, text=page)
    return (folder / "names.sh").read_text()
