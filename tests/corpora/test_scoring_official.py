"""The modes `mention`, `id` and `relation` of the BioCreative V CDR scorer, worked out by hand.

Annotations are given as the fields of PubTator lines. What the scorer does was also checked on the
sample that comes with it, which is not ours to keep here.
"""

from app.corpora.documents import Mention, MentionType, Relation
from app.corpora.scoring import Counts, score_concepts, score_mentions, score_relations


def line(start: int, end: int, field: str, type_: MentionType = "Disease") -> Mention:
    """A mention whose identifiers are still as a file has them: one field."""
    return Mention(start, end, "x" * (end - start), type_, (field,))


def test_mode_mention() -> None:
    """Document, offsets and type must agree; identifiers and how often it is given do not matter.

    Gold has three different mentions. Found are (0, 7) and (30, 55), so 2 are right; (12, 16) is
    missed; (13, 16) and (60, 64) are wrong: tp 2, fp 2, fn 1.
    """
    gold = [
        line(0, 7, "D003866"),
        line(0, 7, "D003863"),  # the same mention in a second line
        line(12, 16, "-1"),  # a mention without a concept is one to be found
        line(30, 55, "D051437|D017093"),  # a composite mention is its outer span
        line(70, 77, "D001241", "Chemical"),  # another type is no matter of this one
    ]
    found = [
        line(0, 7, "MESH:D999999"),
        line(0, 7, "-1"),
        line(13, 16, "D003866"),
        line(30, 55, "D051437"),
        line(60, 64, "D003866"),
        line(60, 64, "D003866"),
    ]
    assert score_mentions(gold, found, "Disease") == Counts(2, 2, 1)
    assert score_mentions(gold, found, "Chemical") == Counts(0, 0, 1)


def test_parts_of_a_composite_mention_are_not_its_span() -> None:
    """Whoever finds the two halves of "renal and hepatic failure" has not found it."""
    gold = [line(30, 55, "D051437|D017093")]
    assert score_mentions(gold, [line(30, 35, "-1"), line(40, 55, "-1")], "Disease") == Counts(
        0, 2, 1
    )


def test_mode_id() -> None:
    """Different identifiers of a document, by type.

    Gold has D003866, D051437, D017093 and OMIM:215600. Found are D003866, D017093, D009369 and
    "215600", which is MeSH's without another prefix: tp 2, fp 2, fn 2.
    """
    gold = [
        line(0, 7, "D003866"),
        line(20, 27, "MESH:D003866"),  # the same with prefix
        line(12, 16, "-1"),  # no concept
        line(30, 55, "D051437|D017093"),  # a composite mention has two
        line(60, 66, "OMIM:215600"),
        line(70, 77, "D001241", "Chemical"),
    ]
    found = [
        line(100, 104, "MESH:D003866"),  # wherever it stands
        line(100, 104, "D003866"),
        line(0, 7, "-1"),
        line(30, 55, "D017093|-1|D009369"),
        line(60, 66, "215600"),
        line(70, 77, "D001241"),  # right for a chemical, wrong as a disease
    ]
    assert score_concepts(gold, found[:-1], "Disease") == Counts(2, 2, 2)
    assert score_concepts(gold, found, "Disease") == Counts(2, 3, 2)
    assert score_concepts(gold, found, "Chemical") == Counts(0, 0, 1)


def test_mode_relation() -> None:
    """Different pairs of chemical and disease.

    Gold has (C1, D1), (C1, D2) and (C2, D2). Found are (C1, D1), given thrice, (C2, D2) in a field
    with two diseases, and with it (C2, D3); (D1, C1) is the wrong way round: tp 2, fp 2, fn 1.
    """
    gold = [
        Relation("D000001", "D000011"),
        Relation("D000001", "D000012"),
        Relation("MESH:D000002", "D000012"),
        Relation("D000001", "D000011"),
    ]
    found = [
        Relation("MESH:D000001", "D000011"),
        Relation("D000001", "MESH:D000011"),
        Relation("D000001", "D000011", "influences"),
        Relation("D000002", "D000012|D000013"),
        Relation("D000011", "D000001"),
        Relation("D000001", "-1"),  # no pair
        Relation("-1", "D000012"),
    ]
    assert score_relations(gold, found) == Counts(2, 2, 1)


def test_documents_without_annotations_or_answers() -> None:
    """Nothing to find and nothing found counts nothing; everything else is missed or wrong."""
    some = [line(0, 7, "D003866"), line(10, 17, "D003866")]
    related = [Relation("D000001", "D000011")]
    assert score_mentions([], [], "Disease") == Counts()
    assert score_mentions([], some, "Disease") == Counts(fp=2)
    assert score_mentions(some, [], "Disease") == Counts(fn=2)
    assert score_concepts([], some, "Disease") == Counts(fp=1)
    assert score_concepts(some, [], "Disease") == Counts(fn=1)
    assert score_relations([], related) == Counts(fp=1)
    assert score_relations(related, []) == Counts(fn=1)


def test_counts_of_documents_are_added_before_ratios_are_taken() -> None:
    """Micro-average: 2 of 4 found are right, 2 of 3 are found, though one document is perfect."""
    documents = [
        ([line(0, 7, "-1")], [line(0, 7, "-1")]),
        ([line(0, 7, "-1"), line(9, 12, "-1")], [line(0, 7, "-1"), line(9, 11, "-1")]),
        ([], [line(0, 7, "-1")]),
    ]
    total = sum((score_mentions(*each, "Disease") for each in documents), Counts())
    assert total == Counts(2, 2, 1)
    assert (total.precision, total.recall) == (0.5, 2 / 3)
