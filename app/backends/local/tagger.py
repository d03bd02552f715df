"""The mention tagger: trained on documents, finds chemicals and diseases in any text.

A first pass proposes spans sentence by sentence, a second chooses among them over the whole
document. Deterministic: the same documents give the same tagger.
"""

from collections.abc import Iterator, Sequence
from typing import Self

from app.backends.base import FoundMention
from app.backends.local.arrays import State, prefixed, section
from app.backends.local.first_pass import FirstPass, Found
from app.backends.local.reading import Reading, read
from app.backends.local.second_pass import SecondPass, choose
from app.backends.local.stages import Options, Report, cross_fit, train_first, train_second
from app.backends.local.state import Arrays
from app.corpora.documents import Document

_BATCH_CHARACTERS = 30_000
_FIRST, _SECOND = "first", "second"


class Tagger:
    """A first pass and, unless there was too little to train it, a second.

    Safe to use from several threads.
    """

    def __init__(self, first: FirstPass, second: SecondPass | None) -> None:
        self.first = first
        self.second = second

    @classmethod
    def train(cls, documents: Sequence[Document], options: Options, report: Report) -> Self:
        """Learn from the documents' mentions; of those that overlap the first one counts."""
        held = cross_fit(documents, options, report)
        return cls(train_first(documents, options, report), train_second(held))

    def state(self) -> State:
        """Everything learnt, as numeric arrays."""
        state = prefixed(_FIRST, self.first.state())
        return state | prefixed(_SECOND, self.second.state()) if self.second else state

    @classmethod
    def from_state(cls, state: Arrays) -> Self:
        """The tagger that `state` was taken from."""
        second = section(_SECOND, state)
        first = FirstPass.from_state(section(_FIRST, state))
        return cls(first, SecondPass.from_state(second) if second else None)

    def tag(self, texts: Sequence[str], title_ends: Sequence[int]) -> list[list[FoundMention]]:
        """The mentions of each text in order, not overlapping; `text[:title_end]` is its title.

        A mention's score is the probability that exactly this span is a mention of this type.
        """
        found: list[list[FoundMention]] = []
        for batch in _batches(texts):
            pairs = zip(texts[batch], title_ends[batch], strict=True)
            readings = [read(text, title_end) for text, title_end in pairs]
            found += mentions(readings, self.first.find(readings), self.second)
        return found


def mentions(
    readings: Sequence[Reading], found: Found, second: SecondPass | None
) -> list[list[FoundMention]]:
    """What is chosen of each text's candidates, after the CRF's chances if `second` is None."""
    scores = (second.chances(found.table) if second else found.chances).tolist()
    answers = []
    for reading, low, high in zip(readings, found.edges[:-1], found.edges[1:], strict=True):
        spans = found.spans[low:high]
        chosen = choose(spans, scores[low:high])
        answers.append(
            [
                FoundMention(
                    reading.spans[spans[number].start][0],
                    reading.spans[spans[number].end - 1][1],
                    spans[number].type,
                    score=scores[low + number],
                )
                for number in chosen
            ]
        )
    return answers


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
