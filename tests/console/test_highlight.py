"""Texts cut at their mentions: nothing of a text is lost or told twice, however mentions lie."""

from hypothesis import given
from hypothesis import strategies as st

from app.console.highlight import Span, pieces

TEXT = "Ocular and auditory toxicity 😀 of deferoxamine"
SPANS = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 50), st.sampled_from(["disease", "chemical"]))
)


@given(SPANS, st.integers(0, 10))
def test_pieces_are_the_text_and_each_knows_its_mentions(
    drawn: list[tuple[int, int, str]], offset: int
) -> None:
    """Joined they are the text; each mention is told of once, and covers exactly its characters."""
    spans = [Span(start, end, kind) for start, end, kind in drawn]
    found = pieces(TEXT, spans, offset)
    assert "".join(piece.text for piece in found) == TEXT
    inside = [s for s in spans if max(s.start, offset) < min(s.end, offset + len(TEXT))]
    assert len([span for piece in found for span in piece.begins]) == len(inside)
    at = offset
    for piece in found:
        for position in range(at, at + len(piece.text)):
            covering = [span for span in inside if span.start <= position < span.end]
            assert sorted(map(id, piece.spans)) == sorted(map(id, covering))
        at += len(piece.text)


def test_a_mention_in_another_is_marked_as_both() -> None:
    """ "auditory toxicity" lies within the composite; both are told of where they begin."""
    outer, inner = Span(0, 28, "disease", "MESH:1"), Span(11, 28, "chemical", "MESH:2")
    first, second, rest = pieces(TEXT, [inner, outer])
    assert (first.text, first.kinds, first.begins) == ("Ocular and ", "disease", (outer,))
    assert (second.kinds, second.note) == ("chemical disease", "MESH:1; MESH:2")
    assert second.begins == (inner,)
    assert rest.spans == ()
