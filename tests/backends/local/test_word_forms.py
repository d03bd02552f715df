"""The forms of a word, in ASCII and beyond."""

import pytest

from app.backends.local.word_forms import (
    BRACKET,
    LENGTH,
    LETTERS,
    SMALL,
    outline,
    shape,
    word_forms,
)


@pytest.mark.parametrize(
    ("word", "expected", "short"),
    [
        ("Tremor", "Aaaaaa", "Aa"),
        ("5-HT1A", "0-AA0A", "0-A0A"),
        ("tremor", "aaaaaa", "a"),
        ("_x_", "_a_", "_a_"),
        ("\u03b2Aa", "aAa", "aAa"),
        ("\u00c9tat", "aaaa", "a"),
        ("x\u0663", "a0", "a0"),
        ("", "", ""),
    ],
)
def test_shapes_tell_capitals_letters_and_digits_apart(
    word: str, expected: str, short: str
) -> None:
    assert shape(word) == expected
    assert outline(word) == short


def test_how_a_word_is_written_is_one_number() -> None:
    looks = [word_forms(word).look for word in ("Tremor", "HT", "1", "(", "]")]
    assert [look & LENGTH for look in looks] == [6, 2, 1, 1, 1]
    assert [look >> LETTERS & 1 for look in looks] == [1, 1, 0, 0, 0]
    assert [look >> SMALL & 1 for look in looks] == [1, 0, 0, 0, 0]
    assert [look >> BRACKET for look in looks] == [1, 1, 1, 2, 0]
    assert word_forms("Seizures")[:3] == ("seizures", "seizure", "a")
