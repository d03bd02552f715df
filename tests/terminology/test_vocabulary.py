"""An index that is open serves threads; one that is damaged, foreign or closed says so."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.terminology.concepts import Concept, VocabularyError
from app.terminology.index import build_index
from app.terminology.vocabulary import Vocabulary

NAMES = [f"zorvexin {number} methyl {number * 37 % 101}" for number in range(400)]
CONCEPTS = [Concept(f"MESH:C{n}", "Chemical", (name,)) for n, name in enumerate(NAMES)]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of CONCEPTS."""
    path = tmp_path_factory.mktemp("indexes") / "with space %20?#"
    build_index(CONCEPTS, path)
    return path


@pytest.fixture
def vocabulary(index: Path) -> Iterator[Vocabulary]:
    """The open index."""
    opened = Vocabulary.open(index)
    yield opened
    opened.close()


def test_threads_get_the_answers_that_one_gets(vocabulary: Vocabulary) -> None:
    """Eight of them ask for all names at once, in different orders."""
    expected = {
        name: ((f"MESH:C{number}",), ((f"MESH:C{number}",), 1.0))
        for number, name in enumerate(NAMES)
    }

    def ask(start: int) -> dict[str, object]:
        order = NAMES[start:] + NAMES[:start]
        return {
            name: (vocabulary.exact("Chemical", name), vocabulary.nearest("Chemical", name))
            for name in order
        }

    with ThreadPoolExecutor(8) as threads:
        for found in threads.map(ask, range(0, 400, 50)):
            assert found == expected


def test_an_index_is_never_written(index: Path, vocabulary: Vocabulary) -> None:
    """Not even where the folder could be written to."""
    before = index.read_bytes()
    vocabulary.nearest("Chemical", "zorvexin 3")
    assert index.read_bytes() == before
    assert list(index.parent.iterdir()) == [index]


def test_a_closed_index_says_so(index: Path) -> None:
    """Whatever is asked, also what has been asked before; closing twice is closing once."""
    vocabulary = Vocabulary.open(index)
    vocabulary.exact("Chemical", NAMES[0])
    vocabulary.close()
    vocabulary.close()
    for ask in (
        lambda: vocabulary.exact("Chemical", NAMES[0]),
        lambda: vocabulary.nearest("Chemical", NAMES[0]),
        lambda: vocabulary.preferred_name("MESH:C1"),
    ):
        with pytest.raises(VocabularyError) as caught:
            ask()
        assert caught.value.code == "index_closed"


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 300, None])
def test_refuses_a_file_that_is_no_index(tmp_path: Path, content: bytes | None) -> None:
    """Nothing, something else, a database of someone else."""
    path = tmp_path / "index"
    if content is None:
        with closing(sqlite3.connect(path)) as database:
            database.execute("CREATE TABLE concepts (number INTEGER)")
    else:
        path.write_bytes(content)
    with pytest.raises(VocabularyError) as caught:
        Vocabulary.open(path)
    assert caught.value.code == "index_foreign"


def test_refuses_an_index_that_is_not_there(tmp_path: Path) -> None:
    """And makes none."""
    with pytest.raises(VocabularyError) as caught:
        Vocabulary.open(tmp_path / "index")
    assert caught.value.code == "index_missing"
    assert not list(tmp_path.iterdir())


def test_refuses_an_index_of_another_version(index: Path, tmp_path: Path) -> None:
    """It would have other keys than are asked for."""
    path = tmp_path / "index"
    path.write_bytes(index.read_bytes())
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(VocabularyError) as caught:
        Vocabulary.open(path)
    assert caught.value.code == "index_outdated"


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE norms SET norms = zeroblob(length(norms))",
        "UPDATE norms SET norms = 'text'",
        "UPDATE norms SET norms = x'0000c07f'",
        "DELETE FROM norms",
        "UPDATE postings SET entries = 'text'",
        "UPDATE postings SET entries = x'01'",
        "UPDATE postings SET entries = x'ffffff7f'",
        "DELETE FROM entries",
        "DROP TABLE postings",
    ],
)
def test_refuses_an_index_that_is_damaged(index: Path, tmp_path: Path, damage: str) -> None:
    """When it is opened, or when what is damaged is needed."""
    path = tmp_path / "index"
    path.write_bytes(index.read_bytes())
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(damage)
    with pytest.raises(VocabularyError) as caught, closing(Vocabulary.open(path)) as vocabulary:
        vocabulary.nearest("Chemical", NAMES[0])
    assert caught.value.code == "index_corrupt"


@settings(
    deadline=None,
    max_examples=80,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_damage_leads_to_answers_or_to_an_error(
    index: Path, tmp_path: Path, data: st.DataObject
) -> None:
    """Wherever bytes are changed or cut off: no other exception."""
    content = bytearray(index.read_bytes())
    for _ in range(data.draw(st.integers(0, 20))):
        content[data.draw(st.integers(100, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "index"
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    try:
        with closing(Vocabulary.open(path)) as vocabulary:
            for name in NAMES[::40]:
                vocabulary.exact("Chemical", name)
                vocabulary.nearest("Chemical", name)
                vocabulary.preferred_name("MESH:C1")
    except VocabularyError as error:
        assert error.code in ("index_corrupt", "index_foreign", "index_outdated")  # noqa: PT017
