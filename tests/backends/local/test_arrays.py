"""Strings and groups of arrays survive being written as arrays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.local.arrays import pack_strings, prefixed, section, unpack_strings


@given(st.lists(st.text(st.characters(codec=None))))
def test_any_strings_survive(strings: list[str]) -> None:
    array = pack_strings(strings)
    assert array.dtype == np.uint8
    assert unpack_strings(array) == strings


def test_lone_surrogates_and_separators_survive() -> None:
    strings = ["\ud800", "a\nb", "\0", "", '"', "😀"]
    assert unpack_strings(pack_strings(strings)) == strings


@pytest.mark.parametrize("content", [b"{}", b"[1]", b'"a"', b"[", b"\xff"])
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json.JSONDecodeError, UnicodeDecodeError too
        unpack_strings(np.frombuffer(content, np.uint8))


def test_sections_do_not_see_each_other() -> None:
    state = {**prefixed("a", {"x": np.ones(1)}), **prefixed("ab", {"x": np.zeros(1)})}
    assert section("a", state)["x"].tolist() == [1.0]
    assert section("ab", state)["x"].tolist() == [0.0]
    assert section("b", state) == {}
