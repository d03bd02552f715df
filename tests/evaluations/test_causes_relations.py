"""Each cause of a wrong relation, and the mentions at which it stands."""

from app.backends.base import Annotations, FoundMention, FoundRelation
from app.corpora.documents import Document, Relation
from app.evaluations.causes import Cause, errors
from app.prompts.tasks import Task
from tests.evaluations.written import GOLD, PERFECT, found, found_chemical, span


def relation(
    outcome: str, cause: Cause, sides: tuple[str, str], identifiers: tuple[str, str]
) -> tuple[object, ...]:
    return (outcome, cause, *span(sides[0]), identifiers, span(sides[1]))


def related(
    mentions: tuple[FoundMention, ...], *relations: FoundRelation
) -> list[tuple[object, ...]]:
    found_errors = errors(GOLD, Annotations(mentions, relations), frozenset({Task.RELATIONS}))
    assert {(each.task, each.type) for each in found_errors} <= {(Task.RELATIONS, None)}
    return [(e.outcome, e.cause, e.start, e.end, e.identifiers, e.other) for e in found_errors]


MISSED = [
    relation("missed", Cause.RELATION_MISSED, ("Aspirin", "rash"), ("MESH:C1", "MESH:D1")),
    # Lisinopril shares a sentence with the second MI; the first mention of D2 is the long form.
    relation(
        "missed",
        Cause.RELATION_MISSED,
        ("lisinopril", "Myocardial infarction"),
        ("MESH:C2", "MESH:D2"),
    ),
    relation(
        "missed",
        Cause.RELATION_MISSED,
        ("lisinopril", "renal and hepatic failure"),
        ("MESH:C2", "MESH:D3"),
    ),
    relation(
        "missed",
        Cause.RELATION_ACROSS_SENTENCES,
        ("Ibuprofen", "renal and hepatic failure"),
        ("MESH:C3", "MESH:D4"),
    ),
]


def test_missed_relations_within_and_across_sentences() -> None:
    assert related(PERFECT) == MISSED


def test_spurious_relations_stand_at_the_mentions_found() -> None:
    wrong = relation(
        "spurious", Cause.RELATION_SPURIOUS, ("Ibuprofen", "rash"), ("MESH:C3", "MESH:D1")
    )
    assert related(PERFECT, FoundRelation(7, 1)) == [*MISSED[:3], wrong, MISSED[3]]


def test_a_relation_that_would_be_right_but_for_an_identifier() -> None:
    """Aspirin and rash are found and related, but the rash has the identifier of something else."""
    mentions = (PERFECT[0], found("rash", "MESH:D9"))
    assert related(mentions, FoundRelation(0, 1))[:2] == [
        relation(
            "missed", Cause.RELATION_WRONG_CONCEPT, ("Aspirin", "rash"), ("MESH:C1", "MESH:D1")
        ),
        relation(
            "spurious", Cause.RELATION_WRONG_CONCEPT, ("Aspirin", "rash"), ("MESH:C1", "MESH:D9")
        ),
    ]


def test_a_relation_between_mentions_without_identifiers() -> None:
    """There is no pair to be wrong, but the annotated one was within reach."""
    mentions = (found_chemical("Aspirin"), found("rash", "MESH:D1"))
    assert related(mentions, FoundRelation(0, 1)) == [
        relation(
            "missed", Cause.RELATION_WRONG_CONCEPT, ("Aspirin", "rash"), ("MESH:C1", "MESH:D1")
        ),
        *MISSED[1:],
    ]


def test_any_mention_of_a_concept_can_show_that_it_is_the_wrong_one() -> None:
    """The answer names the edge that is wrong; another mention of its concept has right ones."""
    mentions = (
        found("infarction", "MESH:D9"),
        found("MI", "MESH:D9", nth=1),
        found_chemical("lisinopril", "MESH:C2"),
    )
    causes = [each[1] for each in related(mentions, FoundRelation(2, 0))]
    assert causes.count(Cause.RELATION_WRONG_CONCEPT) == 2


def test_a_concept_without_a_mention_has_an_empty_place() -> None:
    gold = Document("1", GOLD.passages, (), (Relation("MESH:C1", "MESH:D1"),))
    (error,) = errors(gold, Annotations(), frozenset(Task))
    assert error.cause is Cause.RELATION_ACROSS_SENTENCES
    assert (error.start, error.end, error.other) == (0, 0, (0, 0))
