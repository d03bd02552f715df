"""Tagger, linker and relations as one model: what it answers, and that it is kept whole."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.backends.base import Annotations, FoundMention, FoundRelation
from app.backends.local.arrays import State
from app.backends.local.artefact import ArtefactError, read_artefact, write_artefact
from app.backends.local.hyperparameters import LocalHyperparameters
from app.backends.local.model import LocalModel
from app.backends.local.pieces import pieces
from app.corpora.documents import Document, Relation
from app.prompts.tasks import Task
from tests.backends.local.small_corpus import small_corpus

ALL = frozenset(Task)
_TEXT = "Lumarol-induced tremor in an adult. We saw tremor after lumarol was given."


def _silent(_stage: str, _step: int, _steps: int, _metrics: dict[str, float]) -> None:
    pass


def _train(documents: list[Document], tasks: frozenset[Task] = ALL) -> LocalModel:
    return LocalModel.train(documents, LocalHyperparameters(preset="fast"), tasks, _silent)


@pytest.fixture(scope="module")
def model() -> LocalModel:
    return _train(small_corpus())


def test_answers_each_text_in_order(model: LocalModel) -> None:
    texts = [_TEXT, "", "Nothing is here.", _TEXT.replace("tremor", "asthma")]
    found = model.annotate(texts, ALL)
    surfaces = [
        [text[each.start : each.end] for each in one.mentions]
        for text, one in zip(texts, found, strict=True)
    ]
    assert surfaces == [
        ["Lumarol", "tremor", "tremor", "lumarol"],
        [],
        [],
        ["Lumarol", "asthma", "asthma", "lumarol"],
    ]
    assert [len(each.relations) for each in found] == [1, 0, 0, 1]


def test_one_text_or_many_make_no_difference(model: LocalModel) -> None:
    texts = [each.text for each in small_corpus()]
    together = model.annotate(texts, ALL)
    for text, found in zip(texts, together, strict=True):
        (alone,) = model.annotate([text], ALL)
        assert _unscored(alone) == _unscored(found)
        for one, other in zip(_scored(alone), _scored(found), strict=True):
            assert one.score == pytest.approx(other.score, abs=1e-9)


def _scored(found: Annotations) -> list[FoundMention | FoundRelation]:
    return [*found.mentions, *found.relations]


def _unscored(found: Annotations) -> list[FoundMention | FoundRelation]:
    return [replace(each, score=None) for each in _scored(found)]


def test_relations_bring_their_mentions_but_mentions_no_relations(model: LocalModel) -> None:
    (related,) = model.annotate([_TEXT], frozenset({Task.RELATIONS}))
    assert {each.type for each in related.mentions} == {"Chemical", "Disease"}
    assert related.relations
    (diseases,) = model.annotate([_TEXT], frozenset({Task.DISEASES}))
    assert {each.type for each in diseases.mentions} == {"Disease"}
    assert diseases.relations == ()


def test_names_serve_for_relations_but_are_not_shown() -> None:
    """A corpus made from prompts has names for identifiers."""

    def named(identifier: str) -> str:
        return identifier.replace("MESH:", "NAME:")

    documents = [
        replace(
            document,
            mentions=tuple(
                replace(each, identifiers=tuple(map(named, each.identifiers)))
                for each in document.mentions
            ),
            relations=tuple(
                Relation(named(each.chemical), named(each.disease)) for each in document.relations
            ),
        )
        for document in small_corpus()
    ]
    (found,) = _train(documents).annotate([_TEXT], ALL)
    assert found.relations
    assert {each.identifiers for each in found.mentions} == {()}


def test_a_long_text_is_read_in_pieces_with_every_mention_in_its_place(model: LocalModel) -> None:
    text = " ".join(each.text for each in small_corpus() * 12)
    cut = pieces(text)
    assert len(cut) > 3
    (found,) = model.annotate([text], ALL)
    names = {text[each.start : each.end].lower() for each in found.mentions}
    assert names >= {each.text.lower() for doc in small_corpus() for each in doc.mentions}
    assert all(name == name.strip() for name in names)
    starts = [each.start for each in found.mentions]
    assert starts == sorted(set(starts))
    assert starts[-1] > cut[-1].start
    for relation in found.relations:
        assert found.mentions[relation.chemical].type == "Chemical"
        assert found.mentions[relation.disease].type == "Disease"
        assert all(text[start:end].strip() for start, end in relation.evidence)


_BITS = st.sampled_from(["Lumarol", "-induced ", "tremor", ". ", "\n", "😀", "Å", " (", ") ", "  "])


@settings(max_examples=60, deadline=None)
@given(st.lists(_BITS, max_size=30).map("".join))
def test_no_text_can_break_it_and_offsets_lie_in_the_text(model: LocalModel, text: str) -> None:
    (found,) = model.annotate([text], ALL)
    for mention in found.mentions:
        assert 0 <= mention.start < mention.end <= len(text)
        surface = text[mention.start : mention.end]
        assert surface == surface.strip()
        assert mention.score is not None
        assert 0 <= mention.score <= 1
    for relation in found.relations:
        assert all(0 <= start < end <= len(text) for start, end in relation.evidence)


def test_says_the_same_after_being_kept(model: LocalModel, tmp_path: Path) -> None:
    sha256 = model.save(tmp_path / "model", "ft_1", {"documents": 12})
    again = LocalModel.load(tmp_path / "model", sha256)
    texts = [each.text for each in small_corpus()]
    assert again.tasks == ALL
    assert again.annotate(texts, ALL) == model.annotate(texts, ALL)
    assert again.save(tmp_path / "again", "ft_1", {"documents": 12}) == sha256
    manifest, _ = read_artefact(tmp_path / "model")
    assert (manifest.reference, manifest.labels) == ("ft_1", ("Chemical", "Disease"))


def test_a_sound_file_without_what_a_model_needs_is_refused(
    model: LocalModel, tmp_path: Path
) -> None:
    model.save(tmp_path / "model", "ft_1", {})
    manifest, sections = read_artefact(tmp_path / "model")
    faults: list[dict[str, State]] = [
        {name: state for name, state in sections.items() if name != "tagger"},
        {**sections, "linker": {}},
        {**sections, "relations": {"threshold": np.ones(1)}},
    ]
    for broken in faults:
        write_artefact(tmp_path / "broken", manifest, broken)
        with pytest.raises(ArtefactError, match="lacks"):
            LocalModel.load(tmp_path / "broken")
