"""BILOU labels and spans say the same."""

from hypothesis import given
from hypothesis import strategies as st

from app.backends.local.labels import Span, decode, encode, mention_spans
from app.corpora.documents import MENTION_TYPES, Mention

LABELS = ["O", *(f"{letter}-{kind}" for letter in "BILU" for kind in MENTION_TYPES)]


@st.composite
def span_lists(draw: st.DrawFn) -> list[Span]:
    spans: list[Span] = []
    end = 0
    for _ in range(draw(st.integers(0, 5))):
        start = end + draw(st.integers(0, 2))
        end = start + draw(st.integers(1, 4))
        spans.append(Span(start, end, draw(st.sampled_from(MENTION_TYPES))))
    return spans


@given(span_lists())
def test_decode_undoes_encode_also_for_neighbours(spans: list[Span]) -> None:
    assert decode(encode(spans, 40)) == spans


@given(st.lists(st.sampled_from(LABELS), max_size=12))
def test_any_labels_make_spans_of_exactly_the_labelled_tokens(labels: list[str]) -> None:
    spans = decode(labels, 100)
    taken = [token for span in spans for token in range(span.start, span.end)]
    assert taken == [100 + i for i, label in enumerate(labels) if label != "O"]
    assert all(
        labels[i - 100][2:] == span.type for span in spans for i in range(span.start, span.end)
    )


def test_mentions_that_cut_tokens_or_overlap_are_left_out() -> None:
    tokens = [(0, 4), (5, 9), (10, 12)]
    mentions = [
        Mention(5, 9, "bbbb", "Disease"),
        Mention(0, 9, "aaaa bbbb", "Chemical"),
        Mention(10, 11, "c", "Disease"),
    ]
    assert mention_spans(mentions, tokens) == [Span(0, 2, "Chemical")]
