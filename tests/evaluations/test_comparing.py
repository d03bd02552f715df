"""What a model finds that the baseline does not, worked out by hand."""

from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Annotations, FoundMention, FoundRelation
from app.corpora.documents import MENTION_TYPES, Document, Mention, Passage
from app.evaluations.comparing import Changes, gained_and_lost
from app.evaluations.items import Item
from app.evaluations.measures import Measure, measure
from app.prompts.tasks import Task
from tests.evaluations.written import GOLD, PERFECT, found, found_chemical, span


def test_mentions_gained_and_lost() -> None:
    baseline = Annotations(
        (found("rash", "MESH:D7"), found("once", "MESH:D8"), found("seen"), found("coma"))
    )
    model = Annotations(
        (found("rash"), found("MI", nth=1), found("once"), found("later"), found_chemical("coma"))
    )
    assert gained_and_lost(GOLD, baseline, model, Task.DISEASES) == Changes(
        gained=(Item(*span("MI", 1), "Disease", ("MESH:D2",)),),
        lost=(Item(*span("coma"), "Disease", ()),),
        false_positives_removed=(Item(*span("seen"), "Disease", ()),),
        false_positives_added=(Item(*span("later"), "Disease", ()),),
    )
    assert gained_and_lost(GOLD, baseline, model, Task.CHEMICALS) == Changes(
        (), (), (), (Item(*span("coma"), "Chemical", ()),)
    )


def test_relations_gained_and_lost() -> None:
    """Right ones stand at the annotated mentions, wrong ones where the model saw them."""
    mentions = (*PERFECT, found("once", "MESH:D8"))
    baseline = Annotations(mentions, (FoundRelation(0, 1), FoundRelation(7, 9)))
    model = Annotations(mentions, (FoundRelation(5, 4), FoundRelation(0, 9)))
    assert gained_and_lost(GOLD, baseline, model, Task.RELATIONS) == Changes(
        gained=(
            Item(*span("lisinopril"), None, ("MESH:C2", "MESH:D2"), span("Myocardial infarction")),
        ),
        lost=(Item(*span("Aspirin"), None, ("MESH:C1", "MESH:D1"), span("rash")),),
        false_positives_removed=(
            Item(*span("Ibuprofen"), None, ("MESH:C3", "MESH:D8"), span("once")),
        ),
        false_positives_added=(Item(*span("Aspirin"), None, ("MESH:C1", "MESH:D8"), span("once")),),
    )


def test_a_model_has_nothing_over_itself() -> None:
    answer = Annotations(PERFECT[:4], (FoundRelation(0, 1),))
    for task in Task:
        assert gained_and_lost(GOLD, answer, answer, task) == Changes((), (), (), ())


_MENTIONS = st.lists(
    st.builds(
        lambda start, length, type_: FoundMention(start, start + length, type_),
        st.integers(0, 6),
        st.integers(1, 3),
        st.sampled_from(MENTION_TYPES),
    ),
    max_size=8,
)


@given(_MENTIONS, _MENTIONS, _MENTIONS)
def test_changes_explain_the_difference_of_the_counts(
    annotated: list[FoundMention], before: list[FoundMention], after: list[FoundMention]
) -> None:
    gold = Document(
        "1",
        (Passage("title", 0, "x" * 10),),
        tuple(Mention(m.start, m.end, "x" * (m.end - m.start), m.type) for m in annotated),
    )
    baseline, model = Annotations(tuple(before)), Annotations(tuple(after))
    for task in (Task.DISEASES, Task.CHEMICALS):
        changes = gained_and_lost(gold, baseline, model, task)
        one, other = (
            measure(gold, each, None, frozenset({task}))[task][Measure.MENTIONS_STRICT]
            for each in (baseline, model)
        )
        assert len(changes.gained) - len(changes.lost) == other.tp - one.tp
        added, removed = changes.false_positives_added, changes.false_positives_removed
        assert len(added) - len(removed) == other.fp - one.fp
