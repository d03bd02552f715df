"""One name of several things is read as several names."""

import pytest

from app.terminology.coordination import coordinated


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("ocular and auditory toxicity", ["ocular toxicity", "auditory toxicity"]),
        ("ocular, renal, or auditory toxicity", ["ocular toxicity", "renal toxicity"]),
        ("cancer of the kidney or the bladder", ["cancer of the kidney", "cancer of the bladder"]),
        ("nausea, vomiting", ["nausea", "vomiting"]),
        ("nausea and vomiting", ["nausea", "vomiting"]),
    ],
)
def test_reads_several_names(name: str, first: list[str]) -> None:
    assert next(iter(coordinated(name)))[:2] == first


@pytest.mark.parametrize("name", ["", "gout", "hand, ", "cancer of the lung", "band or"])
def test_reads_one_name_as_one(name: str) -> None:
    assert list(coordinated(name)) == []


@pytest.mark.parametrize("name", ["a, " * 66 + "a", "of in " * 33, "a-" * 100, "a and " * 33])
def test_ends_whatever_is_repeated(name: str) -> None:
    """No pattern tries again and again: this would take years."""
    for parts in coordinated(name):
        assert len(parts) > 1
