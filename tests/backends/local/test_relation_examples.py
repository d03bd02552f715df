"""Found mentions as examples: what they stand for, and whose documents they are."""

from itertools import product

from app.backends.base import FoundMention
from app.backends.local.priors import PRIOR_NUMBERS
from app.backends.local.relation_examples import Study, counted
from app.backends.local.relation_features import pair_features
from tests.backends.local.small_corpus import document

# Found, text[7:11] has no identifier, and text[16:20] is taken for another disease.
_DOCUMENT = document("a", "[C1 Xarol].", "[D1 gout] and [D2 pain].", "C1 D1", "C1 D2")
_FOUND = [
    FoundMention(0, 5, "Chemical", ("MESH:C1",)),
    FoundMention(7, 11, "Disease"),
    FoundMention(16, 20, "Disease", ("MESH:D3",)),
]


def _truths(study: Study) -> dict[tuple[str, str], tuple[bool, bool]]:
    assert study.found
    pairs = list(pair_features(study.found.scene, counted([study])))
    truths = study.found.truths(pairs)
    keys = product(study.found.scene.chemicals, study.found.scene.diseases)
    answers = zip(truths.right.tolist(), truths.scored.tolist(), strict=True)
    return {
        (one.key, other.key): answer for (one, other), answer in zip(keys, answers, strict=True)
    }


def test_an_identifier_is_taken_at_its_word_and_what_has_none_for_what_was_meant() -> None:
    assert _DOCUMENT.text[7:11] == "gout"
    assert _truths(Study.of(_DOCUMENT, _FOUND)) == {
        ("MESH:C1", "NAME:gout"): (True, False),
        ("MESH:C1", "MESH:D3"): (False, True),
    }


def test_spans_that_nobody_annotated_are_related_to_nothing() -> None:
    found = [_FOUND[0], FoundMention(7, 10, "Disease")]
    assert _truths(Study.of(_DOCUMENT, found)) == {("MESH:C1", "NAME:gou"): (False, False)}


def test_a_document_is_described_without_its_own_answer_however_its_mentions_came() -> None:
    found = [*_FOUND[:2], FoundMention(16, 20, "Disease", ("MESH:D2",))]
    study = Study.of(_DOCUMENT, found)
    priors = counted([study])
    rows = list(study.rows(priors))
    assert len(rows) == 4
    unseen = PRIOR_NUMBERS.index("pair_unseen")
    assert all(pair.numbers[-len(PRIOR_NUMBERS) :][unseen] == 1 for pair, _ in rows)
    # And the counts are back in their place.
    assert priors.numbers("MESH:C1", "MESH:D1")[unseen] == 0
