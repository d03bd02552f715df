"""Hypothesis strategies: text as awkward as text can be, and documents annotated at random."""

from hypothesis import strategies as st

from app.corpora.documents import MENTION_TYPES, Document, Mention, Passage, Relation

# Any characters, and often those that dashed lists, case folding and offsets trip over.
awkward_text = st.text(
    st.one_of(
        st.sampled_from(
            list(" \n\r\t-*.1aAbB\u00df\u0130\ufb01\u0301\u00ad\u2028\x85\x0b\U0001f600")
        ),
        st.characters(exclude_categories=["Cs"]),
    )
)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    title, abstract = draw(awkward_text), draw(awkward_text.filter(bool))
    passages = (Passage("title", 0, title), Passage("abstract", len(title) + 1, abstract))
    text = Document("x", passages).text
    identifiers = st.sampled_from(["MESH:D1", "MESH:D2", "MESH:D3"])
    mentions = []
    for start in draw(st.sets(st.integers(0, len(text) - 1), max_size=6)):
        end = draw(st.integers(start + 1, len(text)))
        of = draw(st.lists(identifiers, max_size=2, unique=True))
        kind = draw(st.sampled_from(MENTION_TYPES))
        mentions.append(Mention(start, end, text[start:end], kind, tuple(of)))
    pairs = draw(st.lists(st.builds(Relation, identifiers, identifiers), max_size=4))
    return Document("x", passages, tuple(mentions), tuple(pairs))
