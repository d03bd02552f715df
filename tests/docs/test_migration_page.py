"""The program of docs/migrating-from-cohere.md, run as it stands against a real service."""

from pathlib import Path

from app.own_service import OwnService
from tests.docs.blocks import run


def test_the_page_is_one_program_that_works(served: OwnService, tmp_path: Path) -> None:
    """Its blocks, in order, train a model that finds what is in the page's abstract.

    The program itself compares the answers of Cohere's API with those of `/v1`.
    """
    printed = "".join(run("docs/migrating-from-cohere.md", tmp_path, served.address).values())
    lines = [line for line in printed.splitlines() if line]
    assert "validated []" in lines
    for found in (
        "['parkinsonism', 'hepatitis']",
        "'isoniazid'",
        "('Haloperidol', 'parkinsonism')",
    ):
        assert found in lines[-1], lines[-1]
