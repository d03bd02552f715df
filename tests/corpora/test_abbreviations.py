"""Definitions of abbreviations are found where the letters fit, and only there."""

import pytest

from app.backends.local.reading import read


def defined(text: str) -> dict[str, str]:
    reading = read(text)

    def words(start: int, end: int) -> str:
        return text[reading.spans[start][0] : reading.spans[end - 1][1]]

    return {words(*found.short): words(*found.long) for found in reading.definitions.values()}


@pytest.mark.parametrize(
    ("text", "short", "long"),
    [
        ("We saw acute renal failure (ARF) in two.", "ARF", "acute renal failure"),
        ("Given 5-hydroxytryptamine (5-HT) once.", "5-HT", "5-hydroxytryptamine"),
        ("Given cyclosporine A [CsA] once.", "CsA", "cyclosporine A"),
        ("A history of heart attack (HA; n=3).", "HA", "heart attack"),
    ],
)
def test_a_short_form_is_spelt_by_its_long_form(text: str, short: str, long: str) -> None:
    assert defined(text) == {short: long}


@pytest.mark.parametrize(
    "text",
    [
        "We saw renal failure (XYZ) in two.",
        "It was seen (12) in rats.",
        "(ARF) stands alone.",
        "Acute and very long and much too far away from it was renal failure of (AF) kind",
        "The ARF (ARF) again",
        "open ((((",
        "acute renal failure. Then (ARF)",
    ],
)
def test_nothing_is_defined_where_letters_do_not_fit(text: str) -> None:
    assert defined(text) == {}


def test_the_first_definition_counts() -> None:
    assert defined("atrial fibrillation (AF), later amniotic fluid (AF)") == {
        "AF": "atrial fibrillation"
    }
