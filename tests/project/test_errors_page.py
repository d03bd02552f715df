"""`docs/errors.md` has every code a client can meet, and no other."""

import re

import pytest

from app.corpora.problems import CODES as FILE_CODES
from app.platform.errors import CODES as API_CODES
from app.prompts.rows import ROW_CODES
from tests.project.paths import APP, ROOT

PAGE = ROOT / "docs" / "errors.md"
EXPECTED = {
    "Errors of calls": {
        code: f"**{meaning.status}** {meaning.title}." for code, meaning in API_CODES.items()
    },
    "Problems of files": {
        code: f"**{severity}** {meaning[0].upper()}{meaning[1:]}."
        for code, (severity, meaning, _hint) in (FILE_CODES | ROW_CODES).items()
    },
}
JOBS = "Why a job failed"
# Where a job's code is given; a formatted string ends the code at its first brace. The failures of
# remote calls have kinds, not codes.
GIVEN = re.compile(
    r"(?:JobError|BackendError|TrainingDataError|Failure)\(\s*(?:code=)?[^\"()]*(?<!kind=)\"([a-z_]+)\""
)


def entries(section: str) -> dict[str, str]:
    """code -> its text, of one section of the page."""
    page = PAGE.read_text(encoding="utf-8")
    body = page.split(f"\n## {section}\n")[1].split("\n## ")[0]
    _, *parts = re.split(r"^### (\w+)\n", body, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("section", EXPECTED)
def test_has_every_code_and_no_other(section: str) -> None:
    """In the order of the tables, with its status or severity and its meaning, and what to do."""
    found = entries(section)
    assert list(found) == list(EXPECTED[section])
    for code, first in EXPECTED[section].items():
        assert found[code].strip().splitlines()[0] == first, code
        assert "What to do:" in found[code], code


def test_has_every_code_of_a_job() -> None:
    """Whatever a backend or a step ends a job with is explained somewhere on the page."""
    given = {
        code
        for path in (APP / "backends", APP / "fine_tunes")
        for file in path.rglob("*.py")
        for code in GIVEN.findall(file.read_text(encoding="utf-8"))
    }
    assert "training_lost" in given
    explained = entries(JOBS)
    assert given <= {*explained, *API_CODES}
    assert all("What to do:" in text for text in explained.values())
