"""The table of problems: complete, and never in the way of privacy."""

import re
from pathlib import Path

import pytest

import app
from app.corpora.problems import CODES, problem

_ROOT = Path(app.__file__).parent
_REPORTED = re.compile(r'(?:problem|_BrokenError|UnpackError)\(\s*"([a-z0-9_]+)"')


def _sources(folder: Path) -> str:
    paths = (path for path in folder.rglob("*.py") if path.name != "problems.py")
    return "\n".join(path.read_text() for path in paths)


def test_every_code_is_reported_somewhere() -> None:
    """A code nobody reports is a lie in the documentation."""
    quoted = set(re.findall(r'"([a-z0-9_]+)"', _sources(_ROOT)))
    assert set(CODES) - quoted == set()


def test_every_reported_code_is_in_the_table() -> None:
    """Some are only reported when a file is broken in a way no test may think of."""
    reported = set(_REPORTED.findall(_sources(_ROOT / "corpora")))
    assert len(reported) > 20
    assert reported - set(CODES) == set()


def test_a_problem_is_its_code_with_what_was_found() -> None:
    found = problem("offset_mismatch", "offsets 1-2", line=3, document_id="42")
    code = CODES["offset_mismatch"]
    assert (found.severity, found.hint) == (code.severity, code.hint)
    assert found.message == f"{code.meaning}: offsets 1-2"
    assert (found.line, found.document_id) == (3, "42")
    assert problem("no_documents").message == CODES["no_documents"].meaning


def test_an_unknown_code_is_a_mistake_in_the_program() -> None:
    with pytest.raises(KeyError):
        problem("nonsense")
