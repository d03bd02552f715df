"""Documents for the tests: hypothesis strategies, and small files written by hand."""

import io
from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from app.corpora.documents import MENTION_TYPES, Document, Mention, Passage, Relation
from app.corpora.formats import FORMATS
from app.corpora.problems import Problem

Pairs = list[tuple[str | None, Document]]

# Letters, astral and combining characters, right-to-left script, all kinds of white space and
# everything that XML, JSON or PubTator treat as special.
_LINE = "ab Zéß\u0301\u0627\u05d0\u202e😀\U0001d4b3\u2028\x85\xa0\u3000<>&\"'|\\/:;]-09"
_SPECIAL = _LINE + "\t\n\r"
_NAME = st.text("aZ0-_.é😀/#&<\"'", min_size=1, max_size=8)


def read(format_: str, data: bytes) -> tuple[Pairs, list[Problem]]:
    """What a reader yields and reports."""
    problems: list[Problem] = []
    return list(FORMATS[format_].read(io.BytesIO(data), problems.append)), problems


def written(format_: str, pairs: Iterable[tuple[str | None, Document]]) -> bytes:
    """What a writer writes."""
    out = io.BytesIO()
    write = FORMATS[format_].write
    assert write is not None
    write(pairs, out)
    return out.getvalue()


def codes(problems: Iterable[Problem]) -> list[tuple[str, int | None]]:
    """The code and the line of each problem."""
    return [(problem.code, problem.line) for problem in problems]


def curies() -> st.SearchStrategy[str]:
    """Identifiers such as a reader makes them."""
    prefixes = st.sampled_from(["MESH", "MESH", "OMIM", "NAME"])
    return st.builds("{}:{}".format, prefixes, _NAME.filter(lambda name: name != "-"))


@st.composite
def documents(draw: st.DrawFn, *, lines_only: bool = False) -> Document:
    """Any sound document; with `lines_only` one that PubTator can hold without loss."""
    texts = st.text(_LINE if lines_only else _SPECIAL, max_size=40)
    passages: list[Passage] = []
    if lines_only:
        kinds = draw(st.sampled_from([["title"], ["abstract"], ["title", "abstract"]]))
    else:
        kinds = draw(st.lists(st.sampled_from(["title", "abstract", "", "<p>"]), max_size=4))
    end = 0
    for kind in kinds:
        gap = (1 if passages else 0) if lines_only else draw(st.integers(0, 3))
        passages.append(Passage(kind, end + gap, draw(texts)))
        end = passages[-1].offset + len(passages[-1].text)
    document = Document(draw(_NAME), tuple(passages))
    mentions = draw(st.lists(_mentions(document.text), max_size=6)) if document.text else []
    unique = {(m.start, m.end, m.type): m for m in mentions}
    ordered = sorted(unique.values(), key=lambda mention: (mention.start, mention.end))
    relations = st.builds(Relation, curies(), curies(), _NAME)
    related = draw(st.lists(relations, max_size=3, unique=True))
    return Document(document.id, document.passages, tuple(ordered), tuple(related))


@st.composite
def _mentions(draw: st.DrawFn, text: str) -> Mention:
    start = draw(st.integers(0, len(text) - 1))
    end = draw(st.integers(start + 1, len(text)))
    return Mention(
        start,
        end,
        text[start:end],
        draw(st.sampled_from(MENTION_TYPES)),
        tuple(draw(st.lists(curies(), max_size=3))),
        tuple(draw(st.lists(st.text("ab é", min_size=1, max_size=5), max_size=3))),
    )


def pairs(**options: Any) -> st.SearchStrategy[Pairs]:
    """Documents with their splits."""
    splits = st.sampled_from([None, "train", "dev", "été"])
    return st.lists(st.tuples(splits, documents(**options)), max_size=4)


# One document of each shape a file may have: a composite with parts, one without identifier, a
# relation; written by hand.
TITLE, ABSTRACT = "Dose of aspirin.", "It caused renal and hepatic failure in naïve rats."
SAMPLE = Document(
    "42",
    (Passage("title", 0, TITLE), Passage("abstract", 17, ABSTRACT)),
    (
        Mention(8, 15, "aspirin", "Chemical", ("MESH:D001241",)),
        Mention(
            27,
            52,
            "renal and hepatic failure",
            "Disease",
            ("MESH:D051437", "OMIM:1"),
            ("renal failure", "hepatic failure"),
        ),
        Mention(62, 66, "rats", "Disease"),
    ),
    (Relation("MESH:D001241", "MESH:D051437"),),
)
PUBTATOR = (
    f"42|t|{TITLE}\n42|a|{ABSTRACT}\n"
    "42\t8\t15\taspirin\tChemical\tD001241\n"
    "42\t27\t52\trenal and hepatic failure\tDisease\tD051437|OMIM:1"
    "\trenal failure|hepatic failure\n"
    "42\t62\t66\trats\tDisease\t-1\n"
    "42\tCID\tD001241\tD051437\n\n"
)
