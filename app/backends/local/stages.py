"""From documents to a dictionary and one or two CRFs: the presets and how each is trained."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from app.backends.local.evidence import Context, add_stage_features, context_features
from app.backends.local.features import TokenFeatures, lay_out
from app.backends.local.labels import Span, encode, mention_spans
from app.backends.local.lexicon import Lexicon, folded, learn
from app.backends.local.predict import predict
from app.backends.local.reading import Reading, read
from app.backends.local.training import Example, Fit, fit_weights
from app.backends.local.weights import Weights
from app.corpora.documents import Document

# Called with (stage, step, total steps, metrics) once per iteration of training.
Report = Callable[[str, int, int, dict[str, float]], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How to train a tagger.

    With two `folds` or more, a first CRF (trained as `first` says) labels each document after
    learning from the other folds, and the last CRF reads those labels among its features.
    """

    fit: Fit
    folds: int = 0
    first: Fit = field(default_factory=lambda: Fit("ap", 10))


PRESETS = {
    "fast": Options(Fit(iterations=25)),
    "balanced": Options(Fit(iterations=80)),
    "accurate": Options(Fit(iterations=80), folds=4),
}


@dataclass(frozen=True)
class _Corpus:
    """The documents as parallel lists; `contexts` grow from stage to stage."""

    readings: list[Reading]
    spans: list[list[Span]]
    contexts: list[Context]

    def examples(self, chosen: Sequence[int]) -> Iterator[Example]:
        """The sequences of some documents, made one at a time to save memory."""
        features = TokenFeatures()
        for number in chosen:
            reading = self.readings[number]
            labels = encode(self.spans[number], len(reading.words))
            layout = lay_out(reading)
            for start, end in reading.sequences:
                tokens = range(start, end)
                names = [features.of(layout, self.contexts[number], token) for token in tokens]
                yield names, labels[start:end]


def train_stages(
    documents: Sequence[Document], options: Options, report: Report
) -> tuple[Lexicon, list[Weights]]:
    """The dictionary and the CRFs, in the order in which they are asked."""
    readings = [read(document.text, document.body_offset) for document in documents]
    spans = [
        mention_spans(document.mentions, reading.spans)
        for document, reading in zip(documents, readings, strict=True)
    ]
    lexicon, shares = learn([[folded(word) for word in r.words] for r in readings], spans)
    contexts = [
        context_features(reading, lexicon, share)
        for reading, share in zip(readings, shares, strict=True)
    ]
    corpus = _Corpus(readings, spans, contexts)
    stages = []
    if 2 <= options.folds <= len(documents):
        stages.append(_first_stage(corpus, options, report))
    stages.append(_fit(corpus, range(len(documents)), options.fit, "train", report))
    return lexicon, stages


def _first_stage(corpus: _Corpus, options: Options, report: Report) -> Weights:
    """The CRF of the first stage; what it says of documents it has not seen joins the contexts."""
    count = len(corpus.readings)
    said: dict[int, list[str]] = {}
    for fold in range(options.folds):
        held = range(fold, count, options.folds)
        others = [number for number in range(count) if number % options.folds != fold]
        weights = _fit(corpus, others, options.first, f"fold {fold + 1}", report)
        prediction = predict(
            weights,
            [lay_out(corpus.readings[number]) for number in held],
            [corpus.contexts[number] for number in held],
        )
        said.update(zip(held, prediction.labels(), strict=True))
    weights = _fit(corpus, range(count), options.first, "first stage", report)
    for number, labels in said.items():
        add_stage_features(corpus.contexts[number], corpus.readings[number], labels)
    return weights


def _fit(corpus: _Corpus, chosen: Sequence[int], fit: Fit, stage: str, report: Report) -> Weights:
    def progress(step: int, metrics: dict[str, float]) -> None:
        report(stage, step, fit.iterations, metrics)

    return fit_weights(corpus.examples(chosen), fit, progress)
