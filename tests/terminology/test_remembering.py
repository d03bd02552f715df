"""What is remembered of names is bounded, however long the words are that a client sends."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from app.backends.base import FoundMention
from app.backends.local.linker_training import train_linker
from app.terminology.concepts import Concept
from app.terminology.index import build_index
from app.terminology.names import keys
from app.terminology.remembering import LONGEST, remembered
from app.terminology.roots import canonical
from app.terminology.vocabulary import Vocabulary
from tests.backends.local.small_corpus import document

_LONG = 50_000
_TIMES = 20


def test_answers_are_kept_but_for_long_names() -> None:
    """And of long names the answers are the same."""
    asked = []

    @remembered(10)
    def size(name: str) -> int:
        asked.append(name)
        return len(name)

    short, long = "x" * LONGEST, "x" * (LONGEST + 1)
    assert [size(short), size(short), size(long), size(long)] == [200, 200, 201, 201]
    assert asked == [short, long, long]


@pytest.mark.parametrize("asked", ["keys", "canonical", "vocabulary", "linker"])
def test_nothing_is_left_of_long_names(tmp_path: Path, asked: str) -> None:
    """Of words of 50,000 letters, each another one: a hundred of them come in one request."""
    build_index([Concept("MESH:D1", "Disease", ("hepatitis",))], tmp_path / "index")
    vocabulary = Vocabulary.open(tmp_path / "index")
    linker = train_linker([document("a", "[D1 hepatitis]", "[D2 nephritis] after [C3 lumarol].")])

    def link(name: str) -> object:
        return linker.link(name, [FoundMention(0, len(name), "Disease")])

    ask: dict[str, Callable[[str], object]] = {
        "keys": keys,
        "canonical": canonical,
        "vocabulary": lambda name: (
            vocabulary.exact("Disease", name),
            vocabulary.nearest("Disease", name),
        ),
        "linker": link,
    }
    ask[asked]("a name to begin with itis")
    tracemalloc.start()
    try:
        for number in range(_TIMES):
            ask[asked](f"{asked}{chr(ord('a') + number) * _LONG}itis")
        assert tracemalloc.get_traced_memory()[0] < 2 * _LONG
    finally:
        tracemalloc.stop()
        vocabulary.close()
