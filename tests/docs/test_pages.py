"""The blocks of README and of the documentation, run page by page against a live service."""

import shutil
from pathlib import Path

import pytest

from app.own_service import OwnService
from tests.docs.blocks import BlockError, blocks, continues_first_steps, pages, run
from tests.docs.conftest import FIRST_STEPS

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")

# Pages with a test of their own.
TESTED = {
    "README.md": "test_readme.py",
    "docs/migrating-from-cohere.md": "test_migration_page.py",
    "docs/deployment.md": "../project/test_deployment_page.py",
    "docs/correcting.md": "../api/test_revisions.py",
}


def has_code(page: str) -> bool:
    return any(block.language in ("sh", "python") and not block.not_run for block in blocks(page))


def test_the_first_steps_are_true(first_steps: str) -> None:
    """All blocks run; the shell ends with the names that other pages go on with."""
    assert "MODEL=" in first_steps


@pytest.mark.parametrize(
    "page", [each for each in pages() if has_code(each) if each not in {FIRST_STEPS, *TESTED}]
)
def test_the_page_is_true(
    page: str, served: OwnService, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Each of its blocks runs, in order, or says why it is not run."""
    first = request.getfixturevalue("first_steps") if continues_first_steps(page) else None
    assert run(page, tmp_path, served.address, first=first)


def test_the_pages_with_tests_of_their_own_have_them() -> None:
    assert set(TESTED) <= set(pages())
    for file in TESTED.values():
        assert (Path(__file__).parent / file).is_file(), file


FAILING = {
    "sh": "true\nfalse",
    "python": "import json\nassert json.loads('[]')",
    "an answer that is a problem": "cd app\ncurl -s http://127.0.0.1:8000/v1/datasets/ds_0 | cat",
    "a variable that is not there": "echo $NOT_THERE",
}


@pytest.mark.parametrize("kind", FAILING)
def test_a_block_that_fails_is_named(kind: str, served: OwnService, tmp_path: Path) -> None:
    """The second block of a page fails: the message has the page, the line and the code."""
    language = "python" if kind == "python" else "sh"
    page = f"# A page\n\n```{language}\n\n```\n\n```{language}\n{FAILING[kind]}\n```\n"
    with pytest.raises(BlockError, match=rf"a page\.md, line 7 \({language}\) failed") as failed:
        run("a page.md", tmp_path, served.address, text=page)
    assert FAILING[kind] in str(failed.value)


def test_a_block_that_is_not_run_says_why(tmp_path: Path, served: OwnService) -> None:
    """The comment holds for the next block alone, and blocks keep what those before them set."""
    page = "<!-- not run: it fails -->\n```sh\nfalse\n```\n\n```sh\nX=1\n```\n```sh\necho $X\n```\n"
    first, *_ = blocks("page.md", page)
    assert first.not_run == "it fails"
    printed = run("page.md", tmp_path, served.address, text=page)
    assert [text.strip() for text in printed.values()] == ["", "1"]
