"""Names that differ in case, plural, hyphens, Greek, word order or root share a key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.terminology.names import grams, keys
from app.terminology.roots import canonical
from app.terminology.words import words


def shared(one: str, other: str) -> str:
    """The kinds of the keys two names share, the strictest first."""
    return "".join(key[0] for key in keys(one) if key in keys(other))


@pytest.mark.parametrize(
    ("one", "other", "strictest"),
    [
        ("glaucoma", "glaucoma", "="),
        ("Glaucoma", "glaucoma", "~"),
        ("side  effect", "side effect", "="),
        ("5-azacytidine", "5 azacytidine", "-"),
        ("seizures", "seizure", "-"),
        ("toxicities", "toxicity", "-"),
        ("\u03b1-tocopherol", "alpha-tocopherol", "-"),
        ("\u00b5-opioid", "\u03bc opioid", "-"),
        ("Sj\u00f6gren", "Sjogren", "-"),
        ("cancer of the lung", "lung cancer", "#"),
        ("kidney damage", "renal injury", "@"),
        ("nephrotoxicity", "renal toxicity", "@"),
        ("oedema", "edema", "@"),
        ("tumour", "neoplasm", "@"),
    ],
)
def test_names_written_alike(one: str, other: str, strictest: str) -> None:
    """The strictest key that two names share says how alike they are written."""
    assert shared(one, other)[0] == strictest


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("vitamin A", "vitamin B"),
        ("vitamin A", "vitamin"),
        ("hepatitis B", "hepatitis C"),
        ("virus", "viru"),
        ("IL-2", "IL-12"),
    ],
)
def test_names_of_different_things(one: str, other: str) -> None:
    """A letter or a number tells things apart."""
    assert shared(one, other) == ""


def test_words_are_singular_and_plain() -> None:
    """Not what only looks like a plural."""
    found = words("Doses of b-Blockers, patients\u2019 analysis")
    assert found == ("dose", "of", "b", "blocker", "patient", "analysis")


def test_canonical_keeps_order() -> None:
    """Compounds are taken apart."""
    assert canonical("acute hepatotoxicity of tumors") == ("acute", "liver", "toxicity", "cancer")


def test_grams_cover_every_word() -> None:
    """Blanks mark where words begin and end."""
    assert grams("a toxin") == [" a ", "a t", " to", "tox", "oxi", "xin", "in "]
    assert grams("") == []


@given(st.text())
def test_any_text_has_keys(name: str) -> None:
    """Whatever is given, keys are distinct, marked and not empty; grams have one length."""
    found = keys(name)
    assert len(set(found)) == len(found)
    assert all(key[0] in "=~-#@" and len(key) > 1 for key in found)
    assert {len(gram) for gram in grams(name)} <= {3}
