"""The tagger learns, is exact about offsets, keeps its word, and takes any text."""

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pycrfsuite  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.backends.base import FoundMention
from app.backends.local.evidence import context_features
from app.backends.local.features import TokenFeatures, lay_out
from app.backends.local.labels import encode, mention_spans
from app.backends.local.lexicon import folded, learn
from app.backends.local.reading import read
from app.backends.local.stages import Options
from app.backends.local.tagger import Tagger
from app.backends.local.training import Fit
from app.corpora import pubtator
from app.corpora.documents import Document, Passage
from tests.backends.local.small_corpus import document, small_corpus

QUICK = Options(Fit(iterations=15))
CROSS_FITTED = Options(Fit(iterations=15), perceptron=5, folds=3)


def silent(_stage: str, _step: int, _steps: int, _metrics: dict[str, float]) -> None:
    pass


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return Tagger.train(small_corpus(), QUICK, silent)


def tagged(tagger: Tagger, documents: list[Document]) -> list[list[FoundMention]]:
    return tagger.tag([each.text for each in documents], [each.body_offset for each in documents])


@pytest.mark.parametrize("options", [QUICK, CROSS_FITTED], ids=["first pass", "cross-fitted"])
def test_what_was_annotated_is_found_again(options: Options) -> None:
    documents = small_corpus()
    found = tagged(Tagger.train(documents, options, silent), documents)
    for each, mentions in zip(documents, found, strict=True):
        spans = [(mention.start, mention.end, mention.type) for mention in mentions]
        assert spans == [(m.start, m.end, m.type) for m in each.mentions]
        assert all(mention.score and 0.5 < mention.score <= 1 for mention in mentions)


@pytest.mark.parametrize("options", [QUICK, CROSS_FITTED], ids=["first pass", "cross-fitted"])
def test_the_same_documents_give_the_same_tagger_and_its_state_gives_it_back(
    options: Options,
) -> None:
    first = Tagger.train(small_corpus(), options, silent)
    state, again = first.state(), Tagger.train(small_corpus(), options, silent).state()
    assert list(state) == list(again)
    assert all(np.array_equal(state[key], again[key]) for key in state)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **state)
    buffer.seek(0)
    with np.load(buffer, allow_pickle=False) as arrays:
        loaded = Tagger.from_state(dict(arrays))
    documents = small_corpus()
    assert tagged(loaded, documents) == tagged(first, documents)


def test_every_iteration_of_every_stage_is_reported() -> None:
    calls: list[tuple[str, int, int]] = []

    def report(stage: str, step: int, steps: int, metrics: dict[str, float]) -> None:
        assert metrics["loss"] >= 0
        calls.append((stage, step, steps))

    options = replace(CROSS_FITTED, fit=Fit(iterations=4), perceptron=2, fold_iterations=3)
    Tagger.train(small_corpus(), options, report)
    runs = [("fold 1", 3), ("fold 2", 3), ("fold 3", 3), ("train", 4)]
    stages = [each for name, last in runs for each in ((name, last), (f"{name} (perceptron)", 2))]
    assert calls == [(stage, step, last) for stage, last in stages for step in range(1, last + 1)]


@pytest.mark.parametrize(
    "documents",
    [
        [],
        [Document("1", ())],
        [Document("1", (Passage("abstract", 0, ""),))],
        [document("1", "Nothing here.", "Nor here.")],
        [document("1", "Only [D tremor].", "And [D tremor]."), document("2", "No.", "Nothing.")],
        [Document("1", (Passage("abstract", 0, "No title."),)), document("2", "[C X].", "x")],
    ],
    ids=["none", "no passage", "no text", "no mention", "one type", "no title"],
)
@pytest.mark.parametrize("options", [QUICK, replace(CROSS_FITTED, folds=2)], ids=["one", "folds"])
def test_tiny_corpora_train(documents: list[Document], options: Options) -> None:
    tagger = Tagger.train(documents, options, silent)
    again = Tagger.from_state(tagger.state())
    texts = ["Only tremor.", ""]
    assert again.tag(texts, [0, 0]) == tagger.tag(texts, [0, 0])


TEXTS = st.lists(
    st.sampled_from(
        ["lumarol", "Tremor", "(", ")", "]", " ", ". ", "\u0301", "\U0001f600", "\ud800", "9"]
    )
    | st.characters(),
    max_size=30,
).map("".join)


@settings(deadline=None)
@given(TEXTS, st.integers(0, 40))
def test_any_text_gives_ordered_spans_inside_it(tagger: Tagger, text: str, title: int) -> None:
    (mentions,) = tagger.tag([text], [min(title, len(text))])
    end = 0
    for mention in mentions:
        assert end <= mention.start < mention.end <= len(text)
        assert text[mention.start : mention.end].strip() == text[mention.start : mention.end]
        assert mention.score is not None
        assert 0 <= mention.score <= 1
        end = mention.end


SENTENCE = "We saw tremor after lumarol was given"


@pytest.mark.parametrize(
    "text",
    [
        "x" * 100_000 + f". {SENTENCE}.",
        f"{SENTENCE} " * 26_000,
        "(ab) [c] " * 20_000 + f". {SENTENCE}.",
        f"{SENTENCE}.\n" + " \n" * 100_000,
    ],
    ids=["one word", "no full stop, 1 MB", "brackets", "space"],
)
def test_texts_of_any_length_are_read(tagger: Tagger, text: str) -> None:
    (mentions,) = tagger.tag([text], [0])
    assert "tremor" in {text[each.start : each.end] for each in mentions}


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_nothing_is_found_in_nothing(tagger: Tagger, text: str) -> None:
    assert tagger.tag([text, text], [0, len(text)]) == [[], []]


def test_texts_in_a_batch_are_tagged_as_if_each_were_alone(tagger: Tagger) -> None:
    documents = [each for _ in range(20) for each in small_corpus()]
    together = tagged(tagger, documents)
    for each, mentions in zip(documents, together, strict=True):
        (alone,) = tagged(tagger, [each])
        assert [replace(mention, score=None) for mention in mentions] == [
            replace(mention, score=None) for mention in alone
        ]
        assert [m.score for m in mentions] == pytest.approx([m.score for m in alone], abs=1e-5)


def test_threads_get_the_same_answers() -> None:
    documents = small_corpus()
    trained = Tagger.train(documents, QUICK, silent)
    state = trained.state()
    expected = [tagged(trained, [each]) for each in documents]
    fresh = Tagger.from_state(state)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda each: tagged(fresh, [each]), documents * 8))
    assert results == expected * 8


def test_the_fast_path_labels_the_corpus_as_python_crfsuite_does(
    corpus: Path, tmp_path: Path
) -> None:
    train = _documents(corpus / "train.pubtator.txt", 25)
    fit = Fit(iterations=8)
    ours = Tagger.train(train, Options(fit), silent)
    path = tmp_path / "plain"
    _train_plainly(train, fit, path)
    plain = pycrfsuite.Tagger()
    plain.open(str(path))
    features = TokenFeatures()
    for each in _documents(corpus / "dev.pubtator.txt", None):
        reading = read(each.text, each.body_offset)
        (labels,) = ours.first.predict([reading]).labels()
        layout = lay_out(reading)
        context = context_features(reading, ours.first.lexicon, {})
        for start, end in reading.sequences:
            names = [features.of(layout, context, token) for token in range(start, end)]
            assert plain.tag(names) == labels[start:end], each.id


def _documents(path: Path, count: int | None) -> list[Document]:
    with path.open("rb") as file:
        return [each for _, each in islice(pubtator.read(file, lambda _: None), count)]


def _train_plainly(documents: list[Document], fit: Fit, path: Path) -> None:
    """Train a CRF on the same features with python-crfsuite alone."""
    readings = [read(each.text, each.body_offset) for each in documents]
    spans = [
        mention_spans(each.mentions, reading.spans)
        for each, reading in zip(documents, readings, strict=True)
    ]
    lexicon, shares = learn([[folded(word) for word in r.words] for r in readings], spans)
    trainer = pycrfsuite.Trainer("lbfgs", fit.parameters(), verbose=False)
    features = TokenFeatures()
    for reading, mentions, share in zip(readings, spans, shares, strict=True):
        layout, context = lay_out(reading), context_features(reading, lexicon, share)
        labels = encode(mentions, len(reading.words))
        for start, end in reading.sequences:
            names = [features.of(layout, context, token) for token in range(start, end)]
            trainer.append(names, labels[start:end])
    trainer.train(str(path))
