"""Texts that were seen: each is found again, whatever else there is, however large it grows."""

from hypothesis import given
from hypothesis import strategies as st

from app.corpora.seen import SeenTexts


@given(st.lists(st.text(max_size=3), max_size=60))
def test_the_first_with_a_text_is_found(texts: list[str]) -> None:
    seen, expected = SeenTexts(), dict[str, int]()
    for number, text in enumerate(texts):
        assert seen.first(text, number) == expected.setdefault(text, number)


def test_it_grows() -> None:
    """Past the size it begins with, and again; nothing is lost, nothing found that is not there."""
    seen = SeenTexts()
    texts = [f"text {number}" for number in range(5_000)]
    assert [seen.first(text, number) for number, text in enumerate(texts)] == [*range(5_000)]
    assert [seen.first(text, 9_999) for text in texts] == [*range(5_000)]
    assert seen.first("another", 5_000) == 5_000


def test_half_a_surrogate_pair_breaks_nothing() -> None:
    """It is reported elsewhere."""
    assert SeenTexts().first("\ud800", 0) == 0
