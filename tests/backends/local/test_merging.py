"""What was found in pieces lies at the right place of the whole."""

from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Annotations, FoundMention, FoundRelation
from app.backends.local.merging import merged
from app.backends.local.pieces import Piece, pieces

_WORDS = st.lists(st.sampled_from(["lumarol", "tremor.", "And", "😀", "Å", "\n"]), max_size=60)


def _annotated(text: str) -> Annotations:
    """Every `lumarol`, every `tremor`, and the first of each related, the text as evidence."""
    mentions = []
    for name, type_ in (("lumarol", "Chemical"), ("tremor", "Disease")):
        at = text.find(name)
        while at >= 0:
            mentions.append(FoundMention(at, at + len(name), type_))  # type: ignore[arg-type]
            at = text.find(name, at + 1)
    mentions.sort(key=lambda each: each.start)
    types = [each.type for each in mentions]
    if len(set(types)) < 2:
        return Annotations(tuple(mentions))
    relation = FoundRelation(
        types.index("Chemical"), types.index("Disease"), score=0.5, evidence=((0, len(text)),)
    )
    return Annotations(tuple(mentions), (relation,))


@given(_WORDS, st.integers(20, 60))
def test_mentions_are_those_of_the_whole_text(words: list[str], longest: int) -> None:
    text = " ".join(words)
    cut = pieces(text, longest)
    found = merged(text, cut, [_annotated(text[p.start : p.end]) for p in cut])
    names = {"Chemical": "lumarol", "Disease": "tremor"}
    assert all(text[each.start : each.end] == names[each.type] for each in found.mentions)
    assert found.mentions == _annotated(text).mentions
    for relation in found.relations:
        assert found.mentions[relation.chemical].type == "Chemical"
        assert found.mentions[relation.disease].type == "Disease"
        assert {(piece.start, piece.end) for piece in cut} >= set(relation.evidence)
    assert len(found.relations) <= 1


def test_a_relation_found_twice_is_one_with_the_better_score_and_all_evidence() -> None:
    text = "aa bb. AA bb."
    cut = [Piece(0, 7, 0), Piece(7, 13, 0)]
    mentions = (FoundMention(0, 2, "Chemical"), FoundMention(3, 5, "Disease"))
    parts = [
        Annotations(mentions, (FoundRelation(0, 1, score=score, evidence=((0, 6),)),))
        for score in (0.4, 0.9)
    ]
    (relation,) = merged(text, cut, parts).relations
    assert relation == FoundRelation(2, 3, score=0.9, evidence=((0, 6), (7, 13)))


def test_names_are_no_identifiers_to_show() -> None:
    mention = FoundMention(0, 2, "Chemical", ("NAME:aa", "MESH:C1"))
    (shown,) = merged("aa", [Piece(0, 2, 0)], [Annotations((mention,))]).mentions
    assert shown.identifiers == ("MESH:C1",)


def test_a_score_never_is_above_one() -> None:
    mention = FoundMention(0, 2, "Chemical", score=1.0000001)
    (shown,) = merged("aa", [Piece(0, 2, 0)], [Annotations((mention,))]).mentions
    assert shown.score == 1.0
