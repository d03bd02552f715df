"""How often mentions with such a score are right: calibrated on documents that were held out."""

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from app.backends.base import FoundMention
from app.backends.local.arrays import State, prefixed, section
from app.backends.local.calibration import Calibration, calibration_error, cross_fitted
from app.corpora.documents import MENTION_TYPES, Document, MentionType


class Confidence:
    """A calibration for each type of mention."""

    def __init__(self, types: Mapping[MentionType, Calibration]) -> None:
        self._types = types

    @property
    def measured(self) -> bool:
        """Whether there was any held-out answer to measure a precision on."""
        return any(len(each.levels) for each in self._types.values())

    @classmethod
    def train(
        cls, documents: Sequence[Document], found: Sequence[Sequence[FoundMention]]
    ) -> tuple[Self, dict[str, float]]:
        """Learn from mentions found in documents that their finder had not seen, with scores.

        Also gives the expected calibration error of each type on documents held out again, as
        `chemical_ece` and `disease_ece`, and of the raw scores as `chemical_raw_ece` and so on.
        """
        types = {}
        measured = {}
        for type_ in MENTION_TYPES:
            answers = [
                (mention.score, (mention.start, mention.end) in gold)
                for document, mentions in zip(documents, found, strict=True)
                for gold in [{(m.start, m.end) for m in document.mentions if m.type == type_}]
                for mention in mentions
                if mention.type == type_ and mention.score is not None
            ]
            scores, right = [score for score, _ in answers], [hit for _, hit in answers]
            types[type_] = Calibration.fit(scores, right)
            if answers:
                name = type_.lower()
                measured[f"{name}_ece"] = calibration_error(cross_fitted(scores, right), right)
                measured[f"{name}_raw_ece"] = calibration_error(scores, right)
        return cls(types), measured

    def apply(
        self, mentions: Sequence[FoundMention], min_precision: float | None
    ) -> list[FoundMention]:
        """The mentions with their probabilities as scores.

        With `min_precision` only those are left of whom, down to this probability, that share was
        right on held-out documents; none if no probability is high enough for it.
        """
        found = []
        least = {} if min_precision is None else self._least(min_precision)
        for mention in mentions:
            score = mention.score
            if score is not None:
                score = self._types[mention.type].probability(score)
            if (score or 0.0) >= least.get(mention.type, 0.0):
                found.append(
                    FoundMention(
                        mention.start,
                        mention.end,
                        mention.type,
                        mention.identifiers,
                        score,
                        mention.match,
                    )
                )
        return found

    def state(self) -> State:
        """Everything learnt, as arrays."""
        return {
            key: array
            for type_, calibration in self._types.items()
            for key, array in prefixed(type_, calibration.state()).items()
        }

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[np.generic]]) -> Self:
        """The inverse of `state`."""
        return cls(
            {type_: Calibration.from_state(section(type_, state)) for type_ in MENTION_TYPES}
        )

    def _least(self, precision: float) -> dict[MentionType, float]:
        least = {}
        for type_, calibration in self._types.items():
            threshold = calibration.threshold_for(precision)
            least[type_] = 2.0 if threshold is None else threshold - 1e-9
        return least
