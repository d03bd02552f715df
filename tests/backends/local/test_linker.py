"""A mention gets the identifiers its words had in training."""

import pytest

from app.backends.base import FoundMention
from app.backends.local.linker import Linker
from app.backends.local.linker_training import train_linker
from app.corpora.documents import Document, Mention, MentionType, Passage
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
