"""Each cause of an error, where it stands, and that errors are as many as the scores say."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.backends.base import Annotations, FoundMention, FoundRelation
from app.corpora.documents import MENTION_TYPES, Document, Mention, Passage, Relation
from app.evaluations.causes import CAUSES, Cause, Error, errors
from app.evaluations.measures import HEADLINE, measure
from app.prompts.tasks import Task
from tests.evaluations.written import (
    GOLD,
    PERFECT,
    found,
    found_chemical,
    span,
)

ALL = frozenset(Task)
MENTIONS = frozenset({Task.DISEASES, Task.CHEMICALS})
IDENTIFIERS = (Cause.NO_IDENTIFIER, Cause.WRONG_IDENTIFIER)


def without(*places: tuple[int, int]) -> tuple[FoundMention, ...]:
    """All that is to be found but these."""
    return tuple(m for m in PERFECT if (m.start, m.end) not in places)


def only(mentions: tuple[FoundMention, ...], tasks: frozenset[Task] = MENTIONS) -> list[Error]:
    return errors(GOLD, Annotations(mentions), tasks)


def test_a_perfect_answer_has_no_errors() -> None:
    assert only(PERFECT) == []


def test_wrong_edges_are_an_error_on_either_side() -> None:
    whole, part = span("Myocardial infarction"), span("infarction")
    assert only((*without(whole), found("infarction", "MESH:D2"))) == [
        Error(Task.DISEASES, "missed", Cause.BOUNDARY, *whole, "Disease", ("MESH:D2",), part),
        Error(Task.DISEASES, "spurious", Cause.BOUNDARY, *part, "Disease", ("MESH:D2",), whole),
    ]


def test_a_mention_taken_for_the_other_type() -> None:
    place = span("lisinopril")
    assert only((*without(place), found("lisinopril", "MESH:D7"))) == [
        Error(Task.DISEASES, "spurious", Cause.TYPE, *place, "Disease", ("MESH:D7",), place),
        Error(Task.CHEMICALS, "missed", Cause.TYPE, *place, "Chemical", ("MESH:C2",), place),
    ]


def test_a_right_mention_of_the_other_type_is_no_confusion() -> None:
    """The aspirin in "aspirin rash" is a chemical, and found: the disease around it is missed."""
    text = "aspirin rash"
    gold = Document(
        "1",
        (Passage("title", 0, text),),
        (Mention(0, 12, text, "Disease"), Mention(0, 7, "aspirin", "Chemical")),
    )
    answer = Annotations((FoundMention(0, 7, "Chemical"),))
    assert [each.cause for each in errors(gold, answer, MENTIONS)] == [Cause.MISSED]


@pytest.mark.parametrize("nth", [0, 1])
def test_a_missed_short_form_that_the_text_defines(nth: int) -> None:
    """In the definition "Myocardial infarction (MI)", and wherever it is used later."""
    place = span("MI", nth)
    assert only(without(place)) == [
        Error(Task.DISEASES, "missed", Cause.MISSED_ABBREVIATION, *place, "Disease", ("MESH:D2",))
    ]


@pytest.mark.parametrize(
    ("text", "short", "cause"),
    [
        ("chronic kidney disease, later CKD", "CKD", Cause.MISSED_ABBREVIATION),
        ("chronic kidney disease, later ckd", "ckd", Cause.MISSED),
        ("chronic kidney disease, later COPD", "COPD", Cause.MISSED),
    ],
)
def test_a_missed_short_form_whose_long_form_is_annotated(
    text: str, short: str, cause: Cause
) -> None:
    start = len(text) - len(short)
    long = Mention(0, 22, text[:22], "Disease")
    gold = Document(
        "1", (Passage("title", 0, text),), (long, Mention(start, len(text), short, "Disease"))
    )
    answer = Annotations((FoundMention(0, 22, "Disease"),))
    assert [each.cause for each in errors(gold, answer, MENTIONS)] == [cause]


def test_a_missed_short_form_needs_no_capitals_where_it_is_defined() -> None:
    """Nor an annotated long form."""
    text = "Low blood pressure (lbp) is lbp."
    mentions = tuple(Mention(at, at + 3, "lbp", "Disease") for at in (20, 28))
    gold = Document("1", (Passage("title", 0, text),), mentions)
    causes = [each.cause for each in errors(gold, Annotations(), MENTIONS)]
    assert causes == [Cause.MISSED_ABBREVIATION] * 2


def test_missed_and_spurious_without_more_to_say() -> None:
    place, wrong = span("coma"), span("once")
    assert only((*without(place), found("once", "MESH:D7"))) == [
        Error(Task.DISEASES, "spurious", Cause.SPURIOUS, *wrong, "Disease", ("MESH:D7",)),
        Error(Task.DISEASES, "missed", Cause.MISSED, *place, "Disease", ()),
    ]


def test_identifiers_of_mentions_found_rightly() -> None:
    """None where there is one, another one, one of two, one where there is none; `MESH:` or not."""
    names = ("rash", "lisinopril", "renal and hepatic failure", "coma", "Aspirin")
    answer = (
        found("rash"),
        found_chemical("lisinopril", "MESH:C7"),
        found("renal and hepatic failure", "MESH:D3"),
        found("coma", "MESH:D7"),
        found_chemical("Aspirin", "C1"),
    )
    place = {name: span(name) for name in names}
    no, wrong = IDENTIFIERS
    assert only((*without(*place.values()), *answer)) == [
        Error(Task.DISEASES, "missed", no, *place["rash"], "Disease", ("MESH:D1",)),
        Error(
            Task.DISEASES,
            "missed",
            wrong,
            *place["renal and hepatic failure"],
            "Disease",
            ("MESH:D3", "MESH:D4"),
            instead=("MESH:D3",),
        ),
        Error(Task.DISEASES, "spurious", wrong, *place["coma"], "Disease", ("MESH:D7",)),
        Error(
            Task.CHEMICALS,
            "missed",
            wrong,
            *place["lisinopril"],
            "Chemical",
            ("MESH:C2",),
            instead=("MESH:C7",),
        ),
    ]


def test_only_the_tasks_asked_for() -> None:
    assert {e.task for e in errors(GOLD, Annotations(), frozenset({Task.CHEMICALS}))} == {
        Task.CHEMICALS
    }
    assert [e.task for e in errors(GOLD, Annotations(), ALL)] == (
        [Task.DISEASES] * 6 + [Task.CHEMICALS] * 3 + [Task.RELATIONS] * 4
    )


def test_every_cause_is_described() -> None:
    assert set(CAUSES) == set(Cause)


_PLACES = st.tuples(st.integers(0, 12), st.integers(1, 6)).map(lambda s: (s[0], s[0] + s[1]))
_CONCEPTS = st.lists(st.sampled_from(["MESH:A", "B", "-1", "MESH:C"]), max_size=2).map(tuple)
_FOUND = st.lists(
    st.builds(
        lambda place, type_, concepts: FoundMention(place[0], place[1], type_, concepts),
        _PLACES,
        st.sampled_from(MENTION_TYPES),
        _CONCEPTS,
    ),
    max_size=7,
)


@st.composite
def _answers(draw: st.DrawFn) -> tuple[Document, Annotations]:
    text = "MI a (MI) Bc. De fGh."
    mentions = tuple(
        Mention(m.start, m.end, text[m.start : m.end], m.type, m.identifiers) for m in draw(_FOUND)
    )
    names = st.sampled_from(["MESH:A", "B", "MESH:C"])
    relations = draw(st.lists(st.builds(Relation, names, names), max_size=4))
    answered = tuple(draw(_FOUND))
    pairs = []
    if answered:
        index = st.integers(0, len(answered) - 1)
        pairs = draw(st.lists(st.builds(FoundRelation, index, index), max_size=4))
    gold = Document("1", (Passage("title", 0, text),), mentions, tuple(relations))
    return gold, Annotations(answered, tuple(pairs))


@given(_answers())
def test_errors_are_as_many_as_the_scores_say(case: tuple[Document, Annotations]) -> None:
    """Missed are the false negatives, spurious the false positives of the headline measure."""
    gold, answer = case
    counts = measure(gold, answer, None, ALL)
    all_errors = errors(gold, answer, ALL)
    for task in Task:
        outcomes = [e.outcome for e in all_errors if e.task is task and e.cause not in IDENTIFIERS]
        headline = counts[task][HEADLINE[task]]
        assert outcomes.count("missed") == headline.fn
        assert outcomes.count("spurious") == headline.fp


@given(_FOUND, _FOUND)
@example(
    [FoundMention(3, 5, "Disease")], [FoundMention(2, 6, "Disease"), FoundMention(1, 7, "Disease")]
)
def test_a_boundary_error_names_the_span_that_overlaps_most(
    annotated: list[FoundMention], answered: list[FoundMention]
) -> None:
    """Compared with looking at all of them; of several, the first."""
    gold = Document(
        "1",
        (Passage("title", 0, "x" * 20),),
        tuple(Mention(m.start, m.end, "x" * (m.end - m.start), m.type) for m in annotated),
    )

    def shared(error: Error, place: tuple[int, int]) -> int:
        return min(error.end, place[1]) - max(error.start, place[0])

    for error in errors(gold, Annotations(tuple(answered)), MENTIONS):
        if error.cause in IDENTIFIERS:
            continue
        against = answered if error.outcome == "missed" else annotated
        most = max(
            (shared(error, (m.start, m.end)) for m in against if m.type == error.type), default=0
        )
        assert (error.cause is Cause.BOUNDARY) == (most > 0)
        if error.cause is Cause.BOUNDARY:
            assert error.other is not None
            same = ((m.start, m.end) for m in against if m.type == error.type)
            assert error.other == min(each for each in same if shared(error, each) == most)
