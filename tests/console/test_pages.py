"""What pages write of values and of sentences of the service's own."""

import pytest
from markupsafe import Markup

from app.console.pages import _coded, figure


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123456, "0.1235"),
        (9999.4, "9999"),
        (35_979.6, "35,980"),
        (-35_979.6, "-35,980"),
        (2.5e12, "2.5e+12"),
        (float("inf"), "inf"),
    ],
)
def test_a_measured_value_is_told_as_it_can_be_read(value: float, text: str) -> None:
    """Large ones without an exponent, as long as that is shorter to read."""
    assert figure(value) == text


@pytest.mark.parametrize(
    ("sentence", "html"),
    [
        ("Mode `id`, without `MESH:`.", "Mode <code>id</code>, without <code>MESH:</code>."),
        ("`a<b` & <i>", "<code>a&lt;b</code> &amp; &lt;i&gt;"),
        ("one ` alone", "one ` alone"),
    ],
)
def test_code_in_a_sentence_is_marked_and_nothing_else_is_markup(sentence: str, html: str) -> None:
    """Whatever the sentence has of its own is text."""
    assert _coded(sentence) == Markup(html)
