"""What is built into an index is found in it again, and by what rules one of several is chosen."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.corpora.documents import MENTION_TYPES, MentionType
from app.terminology import postings, similarity
from app.terminology.concepts import Concept, VocabularyError
from app.terminology.index import IndexStatistics, build_index
from app.terminology.names import grams, keys
from app.terminology.schema import LONGEST_COMPARED, weight
from app.terminology.vocabulary import Vocabulary

CHEMICAL: MentionType = "Chemical"
CONCEPTS = [
    Concept("MESH:D3", "Chemical", ("Zorvexin", "ZVX", "alpha-zorvexin")),
    Concept("MESH:D2", "Chemical", ("Norzorvexin", "zorvexin", "HVK")),
    Concept("MESH:D1", "Chemical", ("Havikol", "HVK")),
    Concept("MESH:D4", "Disease", ("Cancer of the Lung", "ZVX")),
    Concept("MESH:D5", None, ()),
]
# Few letters, so that names and keys are often shared.
NAMES = st.text("abA -1\u03b1", min_size=1, max_size=8).map(str.strip).filter(bool)
SOME = st.lists(
    st.builds(
        Concept,
        st.integers(1, 6).map("MESH:D{}".format),
        st.sampled_from(MENTION_TYPES),
        st.lists(NAMES, min_size=1, max_size=4, unique=True).map(tuple),
    ),
    max_size=8,
)


@pytest.fixture
def vocabulary(tmp_path: Path) -> Iterator[Vocabulary]:
    """An index of CONCEPTS."""
    build_index(CONCEPTS, tmp_path / "index")
    opened = Vocabulary.open(tmp_path / "index")
    yield opened
    opened.close()


def test_counts_what_it_holds(tmp_path: Path) -> None:
    """A concept that comes twice counts once; one without a type is left out, and counted."""
    found = build_index([*CONCEPTS, CONCEPTS[0]], tmp_path / "index")
    assert found == IndexStatistics(
        concepts=4, names=13, skipped=1, by_type={"Chemical": 3, "Disease": 1}
    )


@pytest.mark.parametrize(
    ("type_", "name", "expected"),
    [
        ("Chemical", "Zorvexin", "MESH:D3"),
        ("Chemical", "zorvexin", "MESH:D2"),  # as it is written here
        ("Chemical", "ZORVEXIN", "MESH:D3"),  # is the preferred name of this one
        ("Chemical", "hvk", "MESH:D1"),  # the preferred name of none: the smallest identifier
        ("Chemical", "\u03b1 zorvexin", "MESH:D3"),
        ("Chemical", "ZVX", "MESH:D3"),
        ("Disease", "ZVX", "MESH:D4"),
        ("Disease", "lung cancers", "MESH:D4"),
    ],
)
def test_finds_the_concept_that_a_name_means(
    vocabulary: Vocabulary, type_: MentionType, name: str, expected: str
) -> None:
    """By the strictest key; of several concepts by rank, then by identifier."""
    assert vocabulary.exact(type_, name) == (expected,)


@pytest.mark.parametrize("name", ["", " ", "zorvexine", "Cancer of the Lung", "\ud800", "-"])
def test_finds_no_concept_of_another_type_or_name(vocabulary: Vocabulary, name: str) -> None:
    """Nothing similar is taken for the same."""
    assert vocabulary.exact(CHEMICAL, name) == ()


def test_finds_the_most_similar_name(vocabulary: Vocabulary) -> None:
    """A slip of the pen, of the type asked for; the same name is similar by 1."""
    found = vocabulary.nearest(CHEMICAL, "norzorvexine")
    assert found is not None
    assert found[0] == ("MESH:D2",)
    assert 0.5 < found[1] < 1
    assert vocabulary.nearest(CHEMICAL, "ZORVEXIN") == (("MESH:D3",), 1.0)
    assert vocabulary.nearest("Disease", "zorvexin") is None
    assert vocabulary.nearest(CHEMICAL, "") is None
    assert vocabulary.nearest(CHEMICAL, "zorvexin " * LONGEST_COMPARED) is None


def test_says_what_a_concept_is_called(vocabulary: Vocabulary) -> None:
    """The first name of the concept."""
    assert vocabulary.preferred_name("MESH:D4") == "Cancer of the Lung"
    assert vocabulary.preferred_name("MESH:D5") is None


@settings(deadline=None, max_examples=40)
@given(SOME, st.lists(NAMES, max_size=5))
def test_answers_as_one_who_compares_everything(concepts: list[Concept], asked: list[str]) -> None:
    """`exact` and `nearest` give what comparing with each name of each concept gives."""
    with TemporaryDirectory() as folder:
        build_index(concepts, Path(folder, "index"))
        with closing(Vocabulary.open(Path(folder, "index"))) as vocabulary:
            for type_ in MENTION_TYPES:
                for name in [*asked, *(name for each in concepts for name in each.names)]:
                    assert vocabulary.exact(type_, name) == exact(concepts, type_, name)
                    found = vocabulary.nearest(type_, name)
                    expected = nearest(concepts, type_, name)
                    assert (found is None) == (expected is None)
                    if found and expected:
                        assert found[1] == pytest.approx(expected[1], abs=1e-5)
                        assert found[0] == (expected[0],)


def exact(concepts: list[Concept], type_: MentionType, name: str) -> tuple[str, ...]:
    """The rules of `Vocabulary.exact`, as simply as can be."""
    for key in keys(name):
        named = [
            (rank > 0, concept.identifier)
            for concept in concepts
            if concept.type == type_
            for rank, other in enumerate(concept.names)
            if key in keys(other)
        ]
        if named:
            return (min(named)[1],)
    return ()


def nearest(concepts: list[Concept], type_: MentionType, name: str) -> tuple[str, float] | None:
    """The rules of `Vocabulary.nearest`: the cosine with every name."""
    entries = [
        (rank > 0, concept.identifier, found)
        for concept in concepts
        if concept.type == type_
        for found, rank in distinct(concept.names).items()
    ]

    def weigh(gram: str) -> float:
        return weight(len(entries), sum(gram in found for _, _, found in entries)) ** 2

    def square(found: frozenset[str]) -> float:
        return sum(map(weigh, sorted(found)))

    wanted = frozenset(grams(name))
    compared = [
        (-round(square(found & wanted) / (square(found) * square(wanted)) ** 0.5, 6), rank, id_)
        for rank, id_, found in entries
        if found & wanted
    ]
    return (min(compared)[2], -min(compared)[0]) if compared else None


def distinct(names: tuple[str, ...]) -> dict[frozenset[str], int]:
    """The sets of n-grams that a concept's names have, with the rank of the first that has it."""
    found: dict[frozenset[str], int] = {}
    for rank, name in enumerate(names):
        if each := frozenset(grams(name)):
            found.setdefault(each, rank)
    return found


def many(count: int) -> list[Concept]:
    """Concepts with names that have much in common."""
    return [
        Concept(f"MESH:C{n}", "Chemical", (f"{n * 7919 % 10007} methyl zorvexin {n} acid",))
        for n in range(count)
    ]


def test_finds_names_by_their_rarest_grams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With next to no postings to be looked at and few names compared, what is there is found."""
    monkeypatch.setattr(similarity, "_MOST_POSTINGS", 300)
    monkeypatch.setattr(similarity, "_MOST_COMPARED", 3)
    concepts = many(2000)
    build_index(concepts, tmp_path / "index")
    with closing(Vocabulary.open(tmp_path / "index")) as vocabulary:
        for concept in concepts[::97]:
            found = vocabulary.nearest(CHEMICAL, concept.names[0].replace("methyl", "methil"))
            assert found is not None
            assert found[0] == (concept.identifier,)


def test_compares_names_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is best by the rarest 3-grams is not the most similar for that."""
    monkeypatch.setattr(similarity, "_MOST_POSTINGS", 10)
    short = Concept("MESH:C7777", "Chemical", ("xqx",))
    right = Concept("MESH:C8888", "Chemical", ("xqx methyl zorvexin acids",))
    build_index([short, *many(300), right], tmp_path / "index")
    with closing(Vocabulary.open(tmp_path / "index")) as vocabulary:
        found = vocabulary.nearest(CHEMICAL, "xqx methyl zorvexin")
        assert found is not None
        assert found[0] == (right.identifier,)


def test_the_same_concepts_make_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte by byte; and however many postings are collected before they are written."""
    build_index(many(300), tmp_path / "one")
    build_index(many(300), tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    monkeypatch.setattr(postings, "_MOST_COLLECTED", 50)
    build_index(many(300), tmp_path / "three")

    def rows(name: str) -> list[tuple[int, bytes]]:
        with closing(sqlite3.connect(tmp_path / name)) as database:
            return database.execute("SELECT * FROM postings ORDER BY gram").fetchall()

    assert rows("one") == rows("three")


def test_an_index_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    """When the reader fails, what was there before stays, and nothing else is left."""
    path = tmp_path / "index"
    build_index(CONCEPTS, path)
    before = path.read_bytes()

    def failing() -> Iterator[Concept]:
        yield from many(50)
        raise VocabularyError("bad_utf8", "The text is not UTF-8.", 51)

    with pytest.raises(VocabularyError):
        build_index(failing(), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


class Small(sqlite3.Connection):
    """A database with room for its tables and little more."""

    def executescript(self, sql_script: str, /) -> sqlite3.Cursor:
        found = super().executescript(sql_script)
        (pages,) = self.execute("PRAGMA page_count").fetchone()
        self.execute(f"PRAGMA max_page_count = {pages + 2}")
        return found


def test_a_full_disk_is_told_of_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the error that a file would give, without a name that was being written."""
    concepts = [Concept(f"MESH:D{n}", "Disease", (f"illness {n}",)) for n in range(20_000)]
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **how: connect(path, factory=Small, **how))
    with pytest.raises(OSError, match="No space left") as full:
        build_index(concepts, tmp_path / "index")
    assert full.value.errno == errno.ENOSPC
    assert full.value.__suppress_context__
    assert not list(tmp_path.iterdir())


def test_an_index_may_be_empty(tmp_path: Path) -> None:
    """Nothing is found in it."""
    assert build_index([], tmp_path / "index").concepts == 0
    with closing(Vocabulary.open(tmp_path / "index")) as vocabulary:
        assert vocabulary.exact(CHEMICAL, "zorvexin") == ()
        assert vocabulary.nearest(CHEMICAL, "zorvexin") is None
