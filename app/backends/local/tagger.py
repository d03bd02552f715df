"""The mention tagger: trained on documents, finds chemicals and diseases in any text.

Linear-chain CRFs over BILOU labels, with features of words, of a dictionary of training mentions
and of the abbreviations a text defines. Deterministic: the same documents give the same tagger.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Self

from app.backends.base import FoundMention
from app.backends.local.arrays import State, prefixed, section
from app.backends.local.decode import Marginals
from app.backends.local.evidence import add_stage_features, context_features
from app.backends.local.features import lay_out
from app.backends.local.labels import Span, decode, span_labels
from app.backends.local.lexicon import Lexicon
from app.backends.local.postprocess import Scored, refine
from app.backends.local.predict import Prediction, predict
from app.backends.local.reading import Reading, read
from app.backends.local.stages import Options, Report, train_stages
from app.backends.local.state import (
    Arrays,
    lexicon_from_state,
    lexicon_state,
    weights_from_state,
    weights_state,
)
from app.backends.local.weights import Weights
from app.corpora.documents import Document

_BATCH_CHARACTERS = 30_000
_LEXICON, _STAGE = "lexicon", "stage"


class Tagger:
    """A dictionary and one or two CRFs, the second reading what the first one said.

    Safe to use from several threads.
    """

    def __init__(self, lexicon: Lexicon, stages: Sequence[Weights]) -> None:
        self.lexicon = lexicon
        self.stages = tuple(stages)

    @classmethod
    def train(cls, documents: Sequence[Document], options: Options, report: Report) -> Self:
        """Learn from the documents' mentions; of those that overlap the first one counts."""
        return cls(*train_stages(documents, options, report))

    def state(self) -> State:
        """Everything learnt, as numeric arrays."""
        state = prefixed(_LEXICON, lexicon_state(self.lexicon))
        for number, stage in enumerate(self.stages):
            state |= prefixed(f"{_STAGE}{number}", weights_state(stage))
        return state

    @classmethod
    def from_state(cls, state: Arrays) -> Self:
        """The tagger that `state` was taken from."""
        names = sorted({key.partition(".")[0] for key in state if key.startswith(_STAGE)})
        stages = [weights_from_state(section(name, state)) for name in names]
        return cls(lexicon_from_state(section(_LEXICON, state)), stages)

    def tag(self, texts: Sequence[str], title_ends: Sequence[int]) -> list[list[FoundMention]]:
        """The mentions of each text in order, not overlapping; `text[:title_end]` is its title.

        A mention's score is the probability the CRF gives to exactly this span of this type; for
        one that was added because it repeats another, a fixed share of the other's score.
        """
        found: list[list[FoundMention]] = []
        for batch in _batches(texts):
            pairs = zip(texts[batch], title_ends[batch], strict=True)
            readings = [read(text, title_end) for text, title_end in pairs]
            prediction = self.predict(readings)
            marginals = prediction.marginals()
            for reading, (first, _), labels in zip(
                readings, prediction.bounds, prediction.labels(), strict=True
            ):
                chances = _Chances(prediction.weights, marginals, reading, first)
                spans = [
                    Scored(span, chances(span))
                    for start, end in reading.sequences
                    for span in decode(labels[start:end], start)
                ]
                refined = refine(reading, spans, chances)
                found.append([_mention(reading, scored) for scored in refined])
        return found

    def predict(self, readings: Sequence[Reading]) -> Prediction:
        """What the last CRF says of the tokens, the earlier ones asked first."""
        contexts = [context_features(reading, self.lexicon, {}) for reading in readings]
        layouts = [lay_out(reading) for reading in readings]
        for stage in self.stages[:-1]:
            labels = predict(stage, layouts, contexts).labels()
            for context, reading, said in zip(contexts, readings, labels, strict=True):
                add_stage_features(context, reading, said)
        return predict(self.stages[-1], layouts, contexts)


class _Chances:
    """How probable each span of one reading is; spans across two sequences are impossible."""

    def __init__(
        self, weights: Weights, marginals: Marginals, reading: Reading, first: int
    ) -> None:
        self._numbers = {label: number for number, label in enumerate(weights.labels)}
        self._marginals = marginals
        self._starts = [start for start, _ in reading.sequences]
        self._first = first

    def __call__(self, span: Span) -> float:
        if bisect_right(self._starts, span.start) != bisect_right(self._starts, span.end - 1):
            return 0.0
        names = span_labels(span)
        if not all(name in self._numbers for name in names):
            return 0.0
        labels = [self._numbers[name] for name in names]
        return self._marginals.path(self._first + span.start, labels)


def _mention(reading: Reading, scored: Scored) -> FoundMention:
    (start, _), (_, end) = reading.spans[scored.span.start], reading.spans[scored.span.end - 1]
    return FoundMention(start, end, scored.span.type, score=scored.score)


def _batches(texts: Sequence[str]) -> Iterator[slice]:
    """Slices of the texts of about so many characters, at least one text each."""
    start = size = 0
    for end, text in enumerate(texts):
        if end > start and size + len(text) > _BATCH_CHARACTERS:
            yield slice(start, end)
            start, size = end, 0
        size += len(text)
    if start < len(texts):
        yield slice(start, len(texts))
