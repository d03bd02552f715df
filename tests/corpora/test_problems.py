"""The table of problems: complete, and never in the way of privacy."""

import re
from pathlib import Path

import pytest

import app
from app.corpora.problems import CODES, problem


def test_every_code_is_reported_somewhere_and_every_reported_code_is_known() -> None:
    """A code nobody reports is a lie in the documentation."""
    root = Path(app.__file__).parent
    sources = [path.read_text() for path in root.rglob("*.py") if path.name != "problems.py"]
    quoted = set(re.findall(r'"([a-z0-9_]+)"', "\n".join(sources)))
    assert set(CODES) - quoted == set()
    reported = re.findall(
        r'(?:problem|_BrokenError|UnpackError)\(\s*"([a-z0-9_]+)"', "".join(sources)
    )
    assert set(reported) - set(CODES) == set()


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
