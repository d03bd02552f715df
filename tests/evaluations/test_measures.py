"""Counts of one document by every measure, worked out by hand."""

from app.backends.base import Annotations, FoundRelation
from app.corpora.documents import Document
from app.corpora.scoring import Counts
from app.evaluations.measures import HEADLINE, MEASURES, PROTOCOLS, Measure, measure
from app.prompts.tasks import Task
from tests.evaluations.written import GOLD, PERFECT, found, found_chemical

ALL = frozenset(Task)

# Right: rash, MI once, renal and hepatic failure with one of its two identifiers, aspirin.
# Wrong: "infarction" for "Myocardial infarction", "seen" as a disease, coma as a chemical.
ANSWER = Annotations(
    mentions=(
        found_chemical("Aspirin", "MESH:C1"),
        found("rash", "MESH:D1"),
        found("infarction", "MESH:D2"),
        found("MI", "MESH:D9"),
        found("seen", "MESH:D8"),
        found("renal and hepatic failure", "MESH:D3"),
        found_chemical("coma"),
    ),
    # Aspirin with rash (right), with MI (wrong), with the infarction that is no annotated name.
    relations=(FoundRelation(0, 1), FoundRelation(0, 3), FoundRelation(0, 2)),
    ungrounded=(
        (Task.DISEASES, "flu"),
        (Task.DISEASES, "Flu "),
        (Task.CHEMICALS, "gold"),
        (Task.RELATIONS, "Chemical gold influences disease flu"),
    ),
)


def test_mentions_of_a_hand_written_answer() -> None:
    """Six diseases are annotated, by five names: MI is there twice."""
    counts = measure(GOLD, ANSWER, None, ALL)
    assert counts[Task.DISEASES] == {
        Measure.MENTIONS_STRICT: Counts(3, 2, 3),
        Measure.MENTIONS_RELAXED: Counts(4, 1, 2),  # infarction overlaps
        Measure.SURFACES: Counts(3, 3, 2),  # infarction, seen and the flu that is not in the text
        Measure.CONCEPTS: Counts(3, 2, 1),  # D1, D2, D3 of D1 to D4; D8 and D9
    }
    assert counts[Task.CHEMICALS] == {
        Measure.MENTIONS_STRICT: Counts(1, 1, 2),
        Measure.MENTIONS_RELAXED: Counts(1, 1, 2),
        Measure.SURFACES: Counts(1, 2, 2),  # coma, and the gold that is not in the text
        Measure.CONCEPTS: Counts(1, 0, 2),
    }


def test_relations_of_a_hand_written_answer() -> None:
    """Annotated are (C1, D1), (C2, D2), (C2, D3), (C3, D4)."""
    given = (FoundRelation(5, 6), FoundRelation(5, 4), FoundRelation(5, 2))
    assert measure(GOLD, ANSWER, given, ALL)[Task.RELATIONS] == {
        # C2 with D3 (right) and D4 of the composite mention, and with D2, twice.
        Measure.GOLD_MENTIONS: Counts(2, 1, 2),
        # C1 with D1 (right), D9, D2.
        Measure.END_TO_END: Counts(1, 2, 3),
        # Aspirin with rash (right), with MI, with an infarction; and gold with flu.
        Measure.BY_NAME: Counts(1, 3, 3),
    }


def test_a_model_that_relates_no_given_mentions_has_no_such_score() -> None:
    measures = measure(GOLD, ANSWER, None, ALL)[Task.RELATIONS]
    assert list(measures) == [Measure.END_TO_END, Measure.BY_NAME]
    assert measure(GOLD, ANSWER, (), ALL)[Task.RELATIONS][Measure.GOLD_MENTIONS] == Counts(fn=4)


def test_only_the_tasks_asked_for_are_measured() -> None:
    assert set(measure(GOLD, ANSWER, None, frozenset({Task.CHEMICALS}))) == {Task.CHEMICALS}


def test_names_are_what_a_model_without_identifiers_is_judged_on() -> None:
    """Right in every mention and relation, but without a single identifier."""
    answer = Annotations(
        tuple(found(m.text, nth=n, type_=m.type) for m, n in zip(GOLD.mentions, _NTH, strict=True)),
        (FoundRelation(0, 1), FoundRelation(5, 2), FoundRelation(5, 6), FoundRelation(7, 6)),
    )
    counts = measure(GOLD, answer, None, ALL)
    for task in (Task.DISEASES, Task.CHEMICALS):
        for each in (Measure.MENTIONS_STRICT, Measure.MENTIONS_RELAXED, Measure.SURFACES):
            assert counts[task][each].f1 == 1
        assert counts[task][Measure.CONCEPTS].tp == 0
    assert counts[Task.RELATIONS][Measure.END_TO_END] == Counts(fn=4)
    assert counts[Task.RELATIONS][Measure.BY_NAME] == Counts(tp=4)


_NTH = (0, 0, 0, 0, 1, 0, 0, 0, 0)  # the second MI is the second one of the text


def test_a_perfect_answer_is_perfect_by_every_measure() -> None:
    """Relations of the composite mention aside: naming it says both of its concepts."""
    gold = Document(GOLD.id, GOLD.passages, GOLD.mentions, GOLD.relations[:2])
    relations = (FoundRelation(0, 1), FoundRelation(5, 4))
    counts = measure(gold, Annotations(PERFECT, relations), relations, ALL)
    assert {each.f1 for of_task in counts.values() for each in of_task.values()} == {1.0}


def test_an_empty_document_counts_nothing() -> None:
    counts = measure(Document("1", ()), Annotations(), (), ALL)
    assert {each for of_task in counts.values() for each in of_task.values()} == {Counts()}


def test_every_measure_has_a_protocol_and_every_task_a_headline() -> None:
    assert set(PROTOCOLS) == set(Measure)
    assert set(MEASURES) == set(HEADLINE) == ALL
    assert {each for measures in MEASURES.values() for each in measures} == set(Measure)
    assert all(HEADLINE[task] in MEASURES[task] for task in Task)
