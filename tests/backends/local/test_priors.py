"""Priors count what documents said, and never what a document says of itself."""

from app.backends.local.priors import PRIOR_NUMBERS, Priors
from app.backends.local.scene import Scene, read_scene
from tests.backends.local.small_corpus import document


def _scene(*, related: bool) -> tuple[Scene, set[tuple[str, str]]]:
    doc = document("a", "[C1 lumarol] and [D1 tremor].", "[D2 asthma].")
    pairs = {("MESH:C1", "MESH:D1")} if related else set()
    return read_scene(doc.text, doc.body_offset, doc.mentions), pairs


def _numbers(priors: Priors, chemical: str, disease: str) -> dict[str, float]:
    return dict(zip(PRIOR_NUMBERS, priors.numbers(chemical, disease), strict=True))


def test_counts_pairs_and_documents_apart() -> None:
    priors = Priors()
    priors.add(*_scene(related=True))
    priors.add(*_scene(related=False))
    known = _numbers(priors, "MESH:C1", "MESH:D1")
    assert known["pair_rate"] == (1 + 0.3) / 3
    assert known["chemical_rate"] == (1 + 0.3) / 5
    assert known["chemical_documents_rate"] == (1 + 0.3) / 3
    assert _numbers(priors, "MESH:C1", "MESH:D2")["pair_negatives_only"] > 0
    assert _numbers(priors, "MESH:C9", "MESH:D1")["pair_unseen"] == 1.0
    assert _numbers(priors, "MESH:C9", "MESH:D1")["disease_unseen"] == 0.0


def test_a_document_is_not_judged_by_its_own_answer() -> None:
    priors = Priors()
    scene, related = _scene(related=True)
    priors.add(scene, related)
    before = _numbers(priors, "MESH:C1", "MESH:D1")
    with priors.without(scene, related):
        assert _numbers(priors, "MESH:C1", "MESH:D1")["pair_unseen"] == 1.0
    assert _numbers(priors, "MESH:C1", "MESH:D1") == before


def test_state_holds_everything() -> None:
    priors = Priors()
    priors.add(*_scene(related=True))
    again = Priors.from_state(priors.state())
    for pair in (("MESH:C1", "MESH:D1"), ("MESH:C1", "MESH:D2"), ("MESH:C2", "MESH:D2")):
        assert again.numbers(*pair) == priors.numbers(*pair)
