"""Names and relations between names, worked out by hand."""

from app.corpora.documents import Mention, MentionType, Relation
from app.corpora.scoring import Counts, score_named_relations, score_surfaces


def mention(text: str, *identifiers: str, type_: MentionType = "Disease") -> Mention:
    return Mention(0, len(text), text, type_, identifiers)


def chemical(text: str, *identifiers: str) -> Mention:
    return mention(text, *identifiers, type_="Chemical")


MENTIONS = [
    chemical("aspirin", "MESH:C1"),
    chemical("ASA", "MESH:C1"),
    chemical("ibuprofen", "MESH:C2"),
    chemical("placebo"),
    mention("rash", "MESH:D1"),
    mention("renal and  hepatic failure", "MESH:D2", "MESH:D3"),
    mention("hepatic failure", "MESH:D3"),
    mention("coma", "MESH:D4"),
]
GOLD = [Relation("MESH:C1", "MESH:D1"), Relation("MESH:C1", "MESH:D2")]


def test_surfaces_are_unique_without_case_and_runs_of_space() -> None:
    """To be found are rash, renal failure and coma; found are two of them, and itch."""
    gold = [mention("rash"), mention("Rash"), mention("renal\n failure"), mention("coma")]
    gold.append(chemical("aspirin"))
    found = ["RASH", "rash ", "Renal failure", "itch"]
    assert score_surfaces(gold, found, "Disease") == Counts(2, 1, 1)
    assert score_surfaces(gold, found, "Chemical") == Counts(0, 3, 1)
    assert score_surfaces([], [], "Disease") == Counts()


def test_a_pair_of_names_finds_what_it_stands_for() -> None:
    """(aspirin, rash) is (C1, D1); found again under another name it counts once."""
    found = [("aspirin", "rash"), ("asa", "Rash")]
    assert score_named_relations(MENTIONS, GOLD, found) == Counts(1, 0, 1)


def test_a_composite_name_is_not_wrong_for_what_it_also_names() -> None:
    """Renal and hepatic failure is D2 and D3; only D2 is annotated, and is found."""
    found = [("aspirin", "renal and hepatic failure")]
    assert score_named_relations(MENTIONS, GOLD, found) == Counts(1, 0, 1)
    both = [*GOLD, Relation("MESH:C1", "MESH:D3")]
    assert score_named_relations(MENTIONS, both, found) == Counts(2, 0, 1)


def test_a_wrong_pair_counts_once_however_many_identifiers_or_names_it_has() -> None:
    composite = ("ibuprofen", "renal and hepatic failure")
    assert score_named_relations(MENTIONS, GOLD, [composite]) == Counts(0, 1, 2)
    synonyms = [("aspirin", "coma"), ("ASA", "coma")]
    assert score_named_relations(MENTIONS, GOLD, synonyms) == Counts(0, 1, 2)


def test_a_name_that_stands_for_nothing_is_a_false_positive() -> None:
    """Unknown names, names without a concept, names of the other type."""
    found = [
        ("warfarin", "rash"),
        ("placebo", "rash"),
        ("rash", "aspirin"),
        ("Warfarin", "rash"),  # the same as the first
    ]
    assert score_named_relations(MENTIONS, GOLD, found) == Counts(0, 3, 2)


def test_the_annotated_relations_by_name_are_perfect() -> None:
    found = [("aspirin", "rash"), ("aspirin", "renal and hepatic failure")]
    assert score_named_relations(MENTIONS, GOLD, found) == Counts(2, 0, 0)
    assert score_named_relations([], [], []) == Counts()
