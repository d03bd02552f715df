"""Relations: learnt from how texts say them, found between whatever concepts a text names."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.backends.base import FoundMention, FoundRelation
from app.backends.local.pair_reader import PairReader
from app.backends.local.pair_table import pair_table
from app.backends.local.priors import Priors
from app.backends.local.relation_features import pair_features
from app.backends.local.relations import RelationModel, RelationOptions
from app.backends.local.scene import read_scene
from app.corpora import pubtator
from app.corpora.documents import MENTION_TYPES, Document, Mention
from tests.backends.local.small_corpus import document, small_corpus, unmarked

_OPTIONS = RelationOptions(c2=1.0, folds=3)


def _silent(_stage: str, _step: int, _steps: int, _metrics: dict[str, float]) -> None:
    pass


def _train(documents: Sequence[Document]) -> RelationModel:
    return RelationModel.train(documents, _OPTIONS, _silent)


@pytest.fixture(scope="module")
def model() -> RelationModel:
    return _train(small_corpus())


def _names(found: Sequence[FoundRelation], mentions: Sequence[Mention]) -> list[tuple[str, str]]:
    return [(mentions[each.chemical].text, mentions[each.disease].text) for each in found]


def test_finds_a_relation_of_concepts_it_has_never_seen(model: RelationModel) -> None:
    text, mentions = unmarked(
        "[C80 Zorbitan]-induced [D81 hiccups] in an adult. We saw [D81 hiccups] after "
        "[C80 zorbitan] was given. The patient took [C80 zorbitan] for [D82 gout]."
    )
    found = model.find(text, 36, mentions)
    assert _names(found[:1], mentions) == [("Zorbitan", "hiccups")]
    assert all(0 <= each.score <= 1 for each in found if each.score is not None)
    assert ("Zorbitan", "gout") not in _names(found, mentions)


def test_finds_relations_among_mentions_without_identifiers(model: RelationModel) -> None:
    text, mentions = unmarked(
        "[C Zorbitan]-induced [D hiccups]. We saw [D hiccups] after [C zorbitan] was given."
    )
    found = model.find(text, 30, mentions)
    assert _names(found, mentions) == [("Zorbitan", "hiccups")]


def test_evidence_is_each_sentence_that_holds_both(model: RelationModel) -> None:
    text, mentions = unmarked(
        "[C80 Zorbitan]-induced [D81 hiccups]. Nothing is here. "
        "We saw [D81 hiccups] after [C80 zorbitan]. [D81 Hiccups] went away."
    )
    (found,) = model.find(text, 25, mentions)
    assert [text[start:end] for start, end in found.evidence] == [
        "Zorbitan-induced hiccups.",
        "We saw hiccups after zorbitan.",
    ]


def test_evidence_without_a_common_sentence_is_the_nearest_two() -> None:
    model = _train([document("a", "[C1 x].", "Two. [D1 y].", "C1 D1")] * 4)
    text, mentions = unmarked("[C1 X] first. Between. [C1 X] again. Then [D1 y]. [D2 Z] last.")
    found = model.find(text, 0, mentions)
    evidence = {mentions[each.disease].text: each.evidence for each in found}
    assert [text[start:end] for start, end in evidence["y"]] == ["X again.", "Then y."]


def test_a_concept_speaks_through_a_mention_that_is_its_alone() -> None:
    model = _train([document("a", "[C1 x] hurts.", "[C1 x] and [D1 y].", "C1 D1")] * 4)
    text = "x y/z y"
    mentions = [
        FoundMention(0, 1, "Chemical", ("MESH:C1",)),
        FoundMention(2, 5, "Disease", ("MESH:D1", "MESH:D2")),
        FoundMention(6, 7, "Disease", ("MESH:D1",)),
    ]
    assert {each.disease for each in model.find(text, 0, mentions)} == {1, 2}


def test_concepts_that_only_a_composite_names_give_one_relation() -> None:
    model = _train([document("a", "[C1 x] hurts.", "[C1 x] and [D1 y].", "C1 D1")] * 4)
    mentions = [
        FoundMention(0, 1, "Chemical", ("MESH:C1",)),
        FoundMention(2, 5, "Disease", ("MESH:D1", "MESH:D2")),
    ]
    found = model.find("x y/z", 0, mentions)
    assert [(each.chemical, each.disease) for each in found] == [(0, 1)]


def test_mentions_of_nothing_but_white_space_do_no_harm(model: RelationModel) -> None:
    mentions = [FoundMention(0, 1, "Chemical"), FoundMention(1, 2, "Disease")]
    for text in ("   a b", "a   b", "    "):
        model.find(text, 0, mentions)


def test_says_the_same_after_being_stored(model: RelationModel) -> None:
    again = RelationModel.from_state(model.state())
    for each in small_corpus():
        found = model.find(each.text, each.body_offset, each.mentions)
        assert again.find(each.text, each.body_offset, each.mentions) == found
        assert found


def test_a_state_of_other_features_is_refused(model: RelationModel) -> None:
    state = {**model.state(), "reader.number_names": np.frombuffer(b'["other"]', np.uint8)}
    with pytest.raises(ValueError, match="other features"):
        RelationModel.from_state(state)


@pytest.mark.parametrize(
    "documents",
    [
        [],
        [document("a", "Nothing.", "At all.")],
        [document("a", "[C1 x] and [D1 y].", "No relation.")] * 3,
    ],
)
def test_with_nothing_to_learn_nothing_is_found(documents: list[Document]) -> None:
    text, mentions = unmarked("[C1 X]-induced [D1 y].")
    assert _train(documents).find(text, 0, mentions) == ()


def _as_found(document: Document) -> list[FoundMention]:
    """Its mentions as somebody may find them who cannot number diseases."""
    return [
        FoundMention(each.start, each.end, each.type, each.identifiers[: each.type == "Chemical"])
        for each in document.mentions
    ]


def test_learns_apart_from_mentions_as_they_are_found() -> None:
    documents = small_corpus()
    measured: dict[str, float] = {}
    model = RelationModel.train(
        documents,
        _OPTIONS,
        lambda *step: measured.update(step[3]),
        [_as_found(each) for each in documents],
    )
    # No found pair has both identifiers: there is nothing to be right about.
    assert measured["f1"] > 0.5
    assert measured["found_f1"] == 0
    text, mentions = unmarked("[C80 Zorbitan]-induced [D81 hiccups] in an adult.")
    again = RelationModel.from_state(model.state())
    for found in (False, True):
        relations = model.find(text, 36, mentions, found=found)
        assert again.find(text, 36, mentions, found=found) == relations
        assert _names(relations, mentions) == [("Zorbitan", "hiccups")]


def test_without_found_mentions_they_are_taken_for_given_ones(model: RelationModel) -> None:
    for each in small_corpus():
        given = model.find(each.text, each.body_offset, each.mentions)
        assert model.find(each.text, each.body_offset, each.mentions, found=True) == given


def test_given_and_found_mentions_have_thresholds_of_their_own(model: RelationModel) -> None:
    deaf = RelationModel.from_state({**model.state(), "found.threshold": np.array([2.0])})
    for each in small_corpus():
        assert deaf.find(each.text, each.body_offset, each.mentions)
        assert not deaf.find(each.text, each.body_offset, each.mentions, found=True)


def test_a_concept_is_as_sure_as_its_surest_mention_and_certain_where_it_is_given() -> None:
    text, mentions = unmarked("[C1 x] and [D1 y] or [D1 z].")
    found = [
        FoundMention(each.start, each.end, each.type, each.identifiers, score)
        for each, score in zip(mentions, (None, 0.2, 0.7), strict=True)
    ]
    scene = read_scene(text, 0, found)
    assert [each.score for each in (*scene.chemicals, *scene.diseases)] == [1.0, 0.7]
    scene = read_scene(text, 0, mentions)
    assert [each.score for each in (*scene.chemicals, *scene.diseases)] == [1.0, 1.0]


def test_the_second_stage_can_tell_found_mentions_from_given_ones() -> None:
    text, mentions = unmarked("[C1 x] [D1 y].")
    pairs = list(pair_features(read_scene(text, 0, mentions), Priors()))
    given, found = (pair_table(pairs, PairReader.train([], 1.0), each) for each in (False, True))
    assert (given != found).sum() == 1


def test_a_wished_precision_leaves_the_surest_of_what_was_found(model: RelationModel) -> None:
    for each in small_corpus():
        every = model.find(each.text, each.body_offset, each.mentions)
        sure = model.find(each.text, each.body_offset, each.mentions, min_precision=0.9)
        assert sure == every[: len(sure)]
        low = model.find(each.text, each.body_offset, each.mentions, min_precision=0.01)
        assert low == every


def test_reports_each_fold_and_the_scores_of_the_end() -> None:
    steps: list[tuple[int, int, dict[str, float]]] = []
    RelationModel.train(small_corpus(), _OPTIONS, lambda _, *step: steps.append(step))
    assert [(step, of) for step, of, _ in steps] == [(n, 5) for n in (1, 2, 3, 4, 5)]
    assert steps[-1][2].keys() == {"precision", "recall", "f1", "ece"}
    assert steps[-1][2]["f1"] > 0.5


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_text_and_no_mention_can_break_it(model: RelationModel, data: st.DataObject) -> None:
    text = data.draw(st.text(st.sampled_from("ab-1. \nÅ(😀"), min_size=1, max_size=40))
    spans = st.tuples(st.integers(0, len(text) - 1), st.integers(1, 8))
    mentions = [
        FoundMention(start, min(len(text), start + size), type_, identifiers)
        for (start, size), type_, identifiers in data.draw(
            st.lists(
                st.tuples(
                    spans,
                    st.sampled_from(MENTION_TYPES),
                    st.lists(st.sampled_from(["MESH:1", "MESH:2"]), max_size=2).map(tuple),
                ),
                max_size=6,
            )
        )
    ]
    mentions.sort(key=lambda mention: mention.start)
    title = data.draw(st.integers(0, len(text)))
    for relation in model.find(text, title, mentions):
        assert mentions[relation.chemical].type == "Chemical"
        assert mentions[relation.disease].type == "Disease"
        assert relation.evidence
        assert all(0 <= start < end <= len(text) for start, end in relation.evidence)


def test_a_text_that_lists_hundreds_of_concepts_is_bounded() -> None:
    text, mentions = unmarked(" ".join(f"[C{n} c{n}] [D{n} d{n}]" for n in range(300)))
    scene = read_scene(text, 0, mentions)
    assert len(scene.chemicals) == len(scene.diseases) == 40


def test_reaches_its_figure_on_the_corpus(corpus: Path) -> None:
    """Gold mentions, trained on train, measured on dev, by id pairs."""
    train, dev = (_documents(corpus / f"{split}.pubtator.txt") for split in ("train", "dev"))
    model = RelationModel.train(train, RelationOptions(folds=2), _silent)
    right = kept = relations = 0
    for each in dev:
        gold = {(relation.chemical, relation.disease) for relation in each.relations}
        found = {
            (chemical, disease)
            for relation in model.find(each.text, each.body_offset, each.mentions)
            for chemical in each.mentions[relation.chemical].identifiers
            for disease in each.mentions[relation.disease].identifiers
        }
        right, kept, relations = right + len(found & gold), kept + len(found), relations + len(gold)
    assert 2 * right / (kept + relations) > 0.615


def _documents(path: Path) -> list[Document]:
    with path.open("rb") as file:
        return [each for _, each in pubtator.read(file, lambda _: None)]


def test_one_crowded_document_is_enough_to_train() -> None:
    """Many pairs, but no second document to judge trees by: the first stage stands alone."""
    marked = " ".join(f"[C1{n} drug{n}] [D2{n} ill{n}]" for n in range(25))
    model = _train([document("1", marked + ".", "")])
    text, mentions = unmarked("[C10 drug0] caused [D20 ill0].")
    assert isinstance(model.find(text, 0, mentions), tuple)
