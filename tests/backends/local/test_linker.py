"""A mention gets the identifiers its words had in training."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.backends.base import FoundMention
from app.backends.local.linker import Linker
from app.backends.local.linker_training import link_held_out, train_linker
from app.corpora.documents import Document, Mention, MentionType, Passage
from app.terminology.concepts import Concept
from app.terminology.index import build_index
from app.terminology.vocabulary import Vocabulary
from tests.backends.local.small_corpus import document


def _linked(linker: Linker, text: str, surface: str, type_: MentionType) -> tuple[str, ...]:
    start = text.index(surface)
    mention = FoundMention(start, start + len(surface), type_, score=0.5)
    (linked,) = linker.link(text, [mention])
    assert (linked.start, linked.end, linked.score) == (start, start + len(surface), 0.5)
    return linked.identifiers


@pytest.fixture(scope="module")
def linker() -> Linker:
    return train_linker(
        [
            document(
                "a",
                "[D1 kidney stone] and [D2 Tremor]",
                "[D2 tremor], [D2 tremor], [D3 tremor]; [C4 beta-carotene]; [D5 heart block].",
            )
        ]
    )


@pytest.mark.parametrize(
    ("surface", "type_", "identifiers"),
    [
        ("kidney stone", "Disease", ("MESH:D1",)),
        ("Kidney  Stones", "Disease", ("MESH:D1",)),
        ("kidney-stone", "Disease", ("MESH:D1",)),
        ("beta carotene", "Chemical", ("MESH:C4",)),
        ("tremor", "Disease", ("MESH:D2",)),
        ("tremor", "Chemical", ()),
        ("kidney", "Disease", ()),
    ],
)
def test_finds_variants_of_case_plural_hyphen_and_space(
    linker: Linker, surface: str, type_: MentionType, identifiers: tuple[str, ...]
) -> None:
    assert _linked(linker, f"A {surface} here.", surface, type_) == identifiers


def test_an_abbreviation_means_what_its_long_form_means(linker: Linker) -> None:
    text = "A heart block (HB) was seen. The HB went away."
    assert _linked(linker, text, "HB", "Disease") == ("MESH:D5",)
    assert _linked(linker, "An HB was seen.", "HB", "Disease") == ()


def test_one_name_of_several_things_has_the_identifiers_of_all(linker: Linker) -> None:
    text = "Tremor and heart block or tremor and gout."
    assert _linked(linker, text, "Tremor and heart block", "Disease") == ("MESH:D2", "MESH:D5")
    assert _linked(linker, text, "tremor and gout", "Disease") == ()


def test_identifiers_of_a_composite_stay_together() -> None:
    mention = Mention(0, 3, "a/b", "Disease", ("MESH:D1", "MESH:D2"))
    linker = train_linker([Document("a", (Passage("abstract", 0, "a/b"),), (mention,))])
    assert _linked(linker, "An a/b.", "a/b", "Disease") == ("MESH:D1", "MESH:D2")


def test_training_order_does_not_decide_a_draw() -> None:
    documents = [document(n, "[D1 x]" if n == "a" else "[D2 x]", "") for n in "ab"]
    one, other = train_linker(documents), train_linker(documents[::-1])
    assert _linked(one, "x", "x", "Disease") == _linked(other, "x", "x", "Disease")


def test_state_holds_everything(linker: Linker) -> None:
    again = Linker.from_state(linker.state())
    for surface in ("kidney stones", "TREMOR", "nothing"):
        text = f"A {surface}."
        assert _linked(again, text, surface, "Disease") == _linked(linker, text, surface, "Disease")


def _variants(count: int = 40) -> list[Document]:
    """Diseases that each have two spellings nobody has a rule for, in documents of their own."""
    draw = random.Random(5)
    documents = []
    for number in range(count):
        stem = "".join(draw.sample("abcdefghiklmnoprstuvwz", 7))
        for spelling in ("itis", "ites"):
            surface = f"[D{number} {stem}{spelling} vera]"
            documents.append(document(f"{number}{spelling}", f"Severe {surface}", ""))
    return documents


def test_a_name_spelt_like_a_known_one_means_the_same() -> None:
    """That spellings vary is learnt from held-out documents, and holds for new ones."""
    documents = _variants()
    linker = train_linker(documents[1:])
    surface = documents[0].mentions[0].text
    assert _linked(linker, f"A {surface}.", surface, "Disease") == ("MESH:D0",)
    assert _linked(linker, "A broken leg.", "broken leg", "Disease") == ()


def test_where_likeness_misled_it_is_not_believed() -> None:
    """The same spellings, but each of another concept: nothing near is taken for the same."""
    documents = [
        replace(each, mentions=(replace(each.mentions[0], identifiers=(f"MESH:X{number}",)),))
        for number, each in enumerate(_variants())
    ]
    surface = documents[0].mentions[0].text
    linker = train_linker(documents[1:])
    assert _linked(linker, f"A {surface}.", surface, "Disease") == ()


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vocabulary]:
    path = tmp_path_factory.mktemp("vocabulary") / "index"
    concepts = [
        Concept("MESH:V1", "Disease", ("Gout", "podagra")),
        Concept("MESH:V2", "Disease", ("tremor",)),
        Concept("MESH:V3", "Disease", ("hyperprolactinaemic galactorrhoea",)),
    ]
    build_index(concepts, path)
    vocabulary = Vocabulary.open(path)
    yield vocabulary
    vocabulary.close()


@pytest.mark.parametrize(
    ("text", "surface", "identifiers"),
    [
        ("A podagra.", "podagra", ("MESH:V1",)),
        ("Primary gout (PG); PG.", "PG", ()),
        ("Gouty tremor: tremor.", "tremor", ("MESH:D2",)),
        ("A hyperprolactinemic galactorrhea.", "hyperprolactinemic galactorrhea", ("MESH:V3",)),
        ("A hyperprolactinic galactorhea.", "hyperprolactinic galactorhea", ()),
    ],
)
def test_vocabularies_know_what_training_did_not(
    linker: Linker, vocabulary: Vocabulary, text: str, surface: str, identifiers: tuple[str, ...]
) -> None:
    """Training comes first; what is but similar is not taken for the same."""
    start = text.rindex(surface)
    mention = FoundMention(start, start + len(surface), "Disease")
    (linked,) = linker.link(text, [mention], [vocabulary])
    assert linked.identifiers == identifiers
    (unlinked,) = linker.link(text, [mention])
    assert unlinked.identifiers == (identifiers if identifiers == ("MESH:D2",) else ())


def test_held_out_mentions_are_linked_by_other_documents() -> None:
    """A name that only its own document teaches stays without identifiers."""
    documents = [document("a", "[D1 tremor]", ""), document("b", "[D1 tremor]", "[D2 gout]")]
    found = [
        [FoundMention(each.start, each.end, each.type) for each in d.mentions] for d in documents
    ]
    (one,), (two, three) = link_held_out(documents, found)
    assert (one.identifiers, two.identifiers) == (("MESH:D1",), ("MESH:D1",))
    assert three.identifiers == ()


class _Recording(Vocabulary):
    """The real one, which writes down what it is asked to compare."""

    asked: tuple[str, ...] = ()

    def nearest(self, type_: MentionType, name: str) -> tuple[tuple[str, ...], float] | None:
        self.asked = (*self.asked, name)
        return super().nearest(type_, name)


def test_a_vocabulary_compares_a_name_only_if_no_known_one_is_near_enough(tmp_path: Path) -> None:
    build_index([Concept("MESH:V9", "Disease", ("fractured leg",))], tmp_path / "index")
    vocabulary = _Recording.open(tmp_path / "index")
    documents = _variants()
    linker = train_linker(documents[1:])
    near = documents[0].mentions[0].text
    text = f"{near}; broken leg"
    spans = [(0, len(near)), (len(near) + 2, len(text))]
    mentions = [FoundMention(start, end, "Disease") for start, end in spans]
    linked = linker.link(text, mentions, [vocabulary])
    vocabulary.close()
    assert [each.identifiers for each in linked] == [("MESH:D0",), ()]
    assert vocabulary.asked == ("broken leg",)
