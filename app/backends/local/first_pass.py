"""The first pass: what a CRF, a dictionary and counts of words make of texts, sentence by sentence.

Linear-chain CRFs over BILOU labels, with features of words, of a dictionary of training mentions
and of the abbreviations a text defines.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from app.backends.local.arrays import State, prefixed, section
from app.backends.local.blending import blended
from app.backends.local.candidates import Floats, find
from app.backends.local.evidence import Context, context_features
from app.backends.local.features import TokenFeatures, lay_out
from app.backends.local.labels import Span, encode, mention_spans
from app.backends.local.lexicon import Lexicon, learn
from app.backends.local.predict import Prediction, predict
from app.backends.local.reading import Reading
from app.backends.local.span_table import span_table
from app.backends.local.state import (
    Arrays,
    lexicon_from_state,
    lexicon_state,
    weights_from_state,
    weights_state,
)
from app.backends.local.training import Example, Fit, fit_weights
from app.backends.local.weights import Weights
from app.backends.local.word_counts import WordCounts
from app.corpora.documents import Document

# Called with (stage, step, total steps, metrics) once per iteration of training.
Report = Callable[[str, int, int, dict[str, float]], None]

_LEXICON, _WORDS, _WEIGHTS = "lexicon", "words", "weights"


@dataclass(frozen=True, slots=True)
class Found:
    """The candidates of several texts: their spans, the CRF's chances, and their span table.

    The rows from `edges[n]` to `edges[n + 1]` are those of text n.
    """

    spans: list[Span]
    chances: Floats
    table: Floats
    edges: list[int]


class FirstPass:
    """Proposes candidates, and says of each all that is known. Safe to use from several threads."""

    def __init__(self, lexicon: Lexicon, words: WordCounts, weights: Weights) -> None:
        self.lexicon = lexicon
        self.words = words
        self.weights = weights

    @classmethod
    def train(
        cls,
        readings: Sequence[Reading],
        spans: Sequence[Sequence[Span]],
        fits: Sequence[tuple[str, Fit]],
        report: Report,
    ) -> Self:
        """Learn from texts and their mentions, which do not overlap.

        One CRF is trained for each of the one or two `fits`, reported under its name; the second
        is blended into the first.
        """
        lexicon, shares = learn([reading.folded for reading in readings], spans)
        contexts = [
            context_features(reading, lexicon, share)
            for reading, share in zip(readings, shares, strict=True)
        ]
        weights, *others = (
            _fit(_examples(readings, spans, contexts), fit, stage, report) for stage, fit in fits
        )
        for other in others:
            weights = blended(weights, other)
        words = WordCounts.learn([reading.lower for reading in readings], spans)
        return cls(lexicon, words, weights)

    def state(self) -> State:
        """Everything learnt, as numeric arrays."""
        return {
            **prefixed(_LEXICON, lexicon_state(self.lexicon)),
            **prefixed(_WORDS, self.words.state()),
            **prefixed(_WEIGHTS, weights_state(self.weights)),
        }

    @classmethod
    def from_state(cls, state: Arrays) -> Self:
        """The inverse of `state`."""
        return cls(
            lexicon_from_state(section(_LEXICON, state)),
            WordCounts.from_state(section(_WORDS, state)),
            weights_from_state(section(_WEIGHTS, state)),
        )

    def predict(self, readings: Sequence[Reading]) -> Prediction:
        """What the CRF says of the tokens."""
        contexts = [context_features(reading, self.lexicon, {}) for reading in readings]
        return predict(self.weights, [lay_out(reading) for reading in readings], contexts)

    def find(self, readings: Sequence[Reading]) -> Found:
        """The candidates of some texts, at least one."""
        prediction = self.predict(readings)
        marginals = prediction.marginals()
        candidates = find(readings, prediction, marginals)
        table = span_table(readings, prediction, marginals, candidates, self.lexicon, self.words)
        firsts = [first for first, _ in prediction.bounds]
        edges = candidates.edges(len(readings))
        return Found(candidates.spans(firsts), candidates.chance, table, edges)


def gold_spans(documents: Sequence[Document], readings: Sequence[Reading]) -> list[list[Span]]:
    """The mentions of the documents in tokens; of those that overlap the first one counts."""
    return [
        mention_spans(document.mentions, reading.spans)
        for document, reading in zip(documents, readings, strict=True)
    ]


def _examples(
    readings: Sequence[Reading], spans: Sequence[Sequence[Span]], contexts: Sequence[Context]
) -> Iterator[Example]:
    """The sequences of the texts, made one at a time to save memory."""
    features = TokenFeatures()
    for reading, mentions, context in zip(readings, spans, contexts, strict=True):
        labels = encode(mentions, len(reading.words))
        layout = lay_out(reading)
        for start, end in reading.sequences:
            names = [features.of(layout, context, token) for token in range(start, end)]
            yield names, labels[start:end]


def _fit(examples: Iterator[Example], fit: Fit, stage: str, report: Report) -> Weights:
    def progress(step: int, metrics: dict[str, float]) -> None:
        report(stage, step, fit.iterations, metrics)

    return fit_weights(examples, fit, progress)
