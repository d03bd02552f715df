"""What stands between two mentions, without what is said of others."""

import pytest

from app.backends.local.pair_words import bare, bare_names


@pytest.mark.parametrize(
    ("between", "left"),
    [
        ("induced", "induced"),
        ("and #Chemical induced", "induced"),
        (", #Chemical , and #Chemical induced", "induced"),
        ("induced by #Chemical and", "induced by"),
        ("( #Chemical ) induced", "induced"),
        ("and", "and"),
        ("or severe", "or severe"),
        ("after ( 5 mg", "after"),
        ("", ""),
    ],
)
def test_lists_and_brackets_are_left_out(between: str, left: str) -> None:
    assert " ".join(bare(between.split())) == left


def test_a_long_stretch_gives_no_names() -> None:
    assert bare_names(["so"] * 11, ">") == {}
    assert "k=>so so" in bare_names(["so", "so"], ">")
    assert list(bare_names(["a"] * 7, "<")) == ["kw<a"]
