"""Offsets in other units, for any text."""

from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Annotations, FoundMention
from app.extractions.offsets import converter
from app.extractions.present import items
from app.extractions.schemas import ExtractionOptions, OffsetUnit
from app.prompts.tasks import Task

ENCODINGS: dict[OffsetUnit, tuple[str, int]] = {"utf16": ("utf-16-le", 2), "byte": ("utf-8", 1)}


@given(text=st.text(max_size=60), data=st.data())
def test_a_slice_in_any_unit_is_the_same_text(text: str, data: st.DataObject) -> None:
    """The converted span cuts the same characters out of the encoded text."""
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    for unit, (encoding, width) in ENCODINGS.items():
        convert = converter(text, unit)
        piece = text.encode(encoding)[convert(start) * width : convert(end) * width]
        assert piece.decode(encoding) == text[start:end]


def test_the_edges_of_the_widths() -> None:
    """The last code point of each width and the first of the next; a combining mark is its own."""
    text = "\x7f\x80\u07ff\u0800\uffff\U00010000e\u0301"
    assert [converter(text, "utf16")(at) for at in range(9)] == [0, 1, 2, 3, 4, 5, 7, 8, 9]
    assert [converter(text, "byte")(at) for at in range(9)] == [0, 1, 3, 5, 8, 11, 15, 16, 18]


@given(text=st.text(min_size=1, max_size=60), data=st.data())
def test_every_mention_is_shown_once_under_its_own_spelling(text: str, data: st.DataObject) -> None:
    """Grouping loses no mention, and each item's text is what stands at its mentions."""
    spans = data.draw(
        st.lists(st.tuples(st.integers(0, len(text) - 1), st.integers(1, 5)), max_size=8)
    )
    found = Annotations(
        tuple(FoundMention(s, min(s + n, len(text)), "Disease", score=0.5) for s, n in spans)
    )
    shown = items(text, found, Task.DISEASES, ExtractionOptions())
    assert items(text, found, Task.CHEMICALS, ExtractionOptions()) == []
    assert len({item.text for item in shown}) == len(shown)
    assert all(text[m.start : m.end] == item.text for item in shown for m in item.mentions)
    assert sum(len(item.mentions) for item in shown) == len(spans)
