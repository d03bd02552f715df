"""What comes of the rows of corrections: which annotations, and which faults."""

from dataclasses import replace

import pytest

from app.console.corrections_rows import MentionRow, RelationRow, Rows

TEXT = "Aspirin or ASA: asthma, wheezing. Aspirin again."
ASPIRIN, ASA, ASTHMA, AGAIN = (
    MentionRow(number, True, type_, identifiers, str(start), str(start + length), "0.90")
    for number, type_, identifiers, start, length in (
        (0, "Chemical", "MESH:D001241", 0, 7),
        (1, "Chemical", "MESH:D001241", 11, 3),
        (2, "Disease", "MESH:D001249", 16, 6),
        (3, "Chemical", "", 34, 7),
    )
)
PAIR = RelationRow(0, True, "0", "2", "0.50")


def mended(*mentions: MentionRow, relation: RelationRow = PAIR) -> tuple[object, object, object]:
    """Surfaces with identifiers, pairs, and pointers of faults."""
    kept, relations, faults = Rows(TEXT, mentions, [relation]).mended()
    return (
        [(each.text, each.identifiers) for each in kept],
        [(each.chemical, each.disease) for each in relations],
        [each.pointer for each in faults],
    )


def test_what_is_accepted_is_as_it_was() -> None:
    """In text order, whatever the order of the rows."""
    kept, pairs, faults = mended(ASPIRIN, ASTHMA, ASA)
    assert kept == [
        ("Aspirin", ["MESH:D001241"]),
        ("ASA", ["MESH:D001241"]),
        ("asthma", ["MESH:D001249"]),
    ]
    assert (pairs, faults) == ([("MESH:D001241", "MESH:D001249")], [])


def test_a_relation_follows_its_mention() -> None:
    """When its identifiers are mended; each pair of several identifiers is one."""
    _, pairs, _ = mended(replace(ASPIRIN, identifiers="D1; OMIM:2 "), ASTHMA)
    assert pairs == [("MESH:D1", "MESH:D001249"), ("OMIM:2", "MESH:D001249")]


def test_another_mention_stands_in_for_a_rejected_one() -> None:
    """One of the same identifier, or of the same name; else the relation cannot be kept."""
    rejected = replace(ASPIRIN, keep=False)
    assert mended(rejected, ASA, ASTHMA)[1:] == ([("MESH:D001241", "MESH:D001249")], [])
    assert mended(rejected, ASTHMA, AGAIN)[1:] == ([("NAME:aspirin", "MESH:D001249")], [])
    assert mended(rejected, ASTHMA)[2] == ["/relation/0/chemical"]
    gone = replace(PAIR, keep=False)
    assert mended(rejected, ASTHMA, relation=gone)[1:] == ([], [])


def test_a_disease_is_no_chemical_of_a_relation() -> None:
    """Also if its type was mended after the relation was found."""
    assert mended(replace(ASPIRIN, type="Disease"), ASTHMA)[2] == ["/relation/0/chemical"]
    assert mended(ASPIRIN, ASTHMA, relation=replace(PAIR, disease=""))[2] == ["/relation/0/disease"]


def test_what_has_no_identifier_is_its_name_where_a_relation_speaks_of_it() -> None:
    """In each of its mentions, and only there."""
    bare = replace(ASPIRIN, identifiers="-1")
    kept, pairs, _ = mended(bare, replace(ASA, identifiers=""), ASTHMA, AGAIN)
    assert kept == [
        ("Aspirin", ["NAME:aspirin"]),
        ("ASA", []),
        ("asthma", ["MESH:D001249"]),
        ("Aspirin", ["NAME:aspirin"]),
    ]
    assert pairs == [("NAME:aspirin", "MESH:D001249")]


@pytest.mark.parametrize(
    ("start", "end"),
    [("", "3"), ("5", "5"), ("7", "3"), ("40", "99"), ("-1", "4"), ("1.5", "4"), ("0", "9" * 5000)],
)
def test_a_place_that_cannot_be_is_a_fault(start: str, end: str) -> None:
    """Unless the mention is rejected anyway."""
    wrong = replace(ASA, start=start, end=end)
    kept, _, faults = mended(ASPIRIN, ASTHMA, wrong)
    assert (kept, faults) == ([], ["/mention/1/start"])
    assert mended(ASPIRIN, ASTHMA, replace(wrong, keep=False))[2] == []


def test_other_faults_of_a_mention() -> None:
    """A type that is none, identifiers that no format can hold."""
    assert mended(ASPIRIN, ASTHMA, replace(ASA, type="Gene"))[2] == ["/mention/1/type"]
    long = "MESH:" + "9" * 300
    assert mended(ASPIRIN, ASTHMA, replace(ASA, identifiers=long))[2] == ["/mention/1/identifiers"]


def test_sides_of_relations_are_each_thing_once() -> None:
    """By its first mention; what a relation has already, even if it is not kept any more."""
    rows = Rows(TEXT, [replace(ASPIRIN, keep=False), ASA, ASTHMA, AGAIN], [PAIR])
    assert rows.entities("Chemical") == [
        ("0", "Aspirin, mention 1, not kept"),
        ("1", "ASA (MESH:D001241)"),
        ("3", "Aspirin (no identifier)"),
    ]
    assert rows.entities("Disease") == [("2", "asthma (MESH:D001249)")]


def test_what_is_refused_is_not_worked_out() -> None:
    """Thousands of identifiers on either side of a relation are millions of pairs."""
    many = " ".join(f"MESH:D{number:06}" for number in range(3000))
    mentions = [
        MentionRow(number, True, type_, many, str(start), str(start + 4), "")
        for number, type_, start in ((0, "Chemical", 0), (1, "Disease", 5))
    ]
    rows = Rows("drug pain", mentions, [RelationRow(0, True, "0", "1", "")])
    assert rows.mended()[:2] == ([], [])
    assert [fault.pointer for fault in rows.mended()[2]] == [
        "/mention/0/identifiers",
        "/mention/1/identifiers",
    ]
