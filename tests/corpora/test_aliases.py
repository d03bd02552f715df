"""The long forms a text defines: as the reading of the whole text has them, from windows of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.local.reading import read
from app.corpora.aliases import aliases


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A heart block (HB) was seen.", {"HB": ["heart block"]}),
        ("Acute renal failure [ARF; n = 3] came.", {"ARF": ["Acute renal failure"]}),
        (
            "Renal (kidney) failure (RF), then rheumatic fever (RF).",
            {"RF": ["Renal (kidney) failure", "rheumatic fever"]},
        ),
        ("x " * 300 + "heart block (HB).", {"HB": ["heart block"]}),
        ("Seven rats (n = 7) and (see Fig. 1) nothing.", {}),
        ("(HB)", {}),
        ("", {}),
    ],
)
def test_definitions(text: str, found: dict[str, list[str]]) -> None:
    assert aliases(text) == found


def test_what_is_no_short_form() -> None:
    """References, figures, a name repeated; but with white space or a count it may be one."""
    text = (
        "Acute kidney injury (AKI; n=3), QT-interval prolongation [QTP], heart failure (HF) and "
        "coma (see Smith), rash (RA), p (p < 0.05), mean (12), cardiac arrest (CA A), GGT (GGT)"
    )
    assert aliases(text).keys() == {"AKI", "QTP", "HF", "RA", "CA A"}


@given(st.lists(st.sampled_from(["heart", "block", "(", ")", "HB", "H", ",", "[", "]", "a", "\n"])))
def test_first_definitions_are_those_of_the_reading(parts: list[str]) -> None:
    """In one sentence both find the same short forms."""
    text = " ".join(parts).replace("\n", " ")
    reading = read(text)
    expected = {
        text[reading.spans[short[0]][0] : reading.spans[short[1] - 1][1]]
        for _, short in reading.definitions.values()
    }
    assert set(aliases(text)) == expected
