"""Labels and their probabilities for the tokens of several readings at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from app.backends.local.decode import Batch, Marginals, forward_backward, viterbi
from app.backends.local.features import Layout
from app.backends.local.weights import Weights


@dataclass(frozen=True)
class Prediction:
    """One CRF's view of several readings, whose tokens are numbered through one after another."""

    weights: Weights
    bounds: Sequence[tuple[int, int]]
    batch: Batch
    emissions: NDArray[np.float32]

    def labels(self) -> list[list[str]]:
        """The best label of each token of each reading."""
        best = viterbi(self.emissions, self.weights.transitions, self.batch).tolist()
        names = self.weights.labels
        return [[names[label] for label in best[start:end]] for start, end in self.bounds]

    def marginals(self) -> Marginals:
        """The distribution over all label sequences."""
        return forward_backward(self.emissions, self.weights.transitions, self.batch)


def predict(
    weights: Weights, layouts: Sequence[Layout], contexts: Sequence[Sequence[Sequence[str]]]
) -> Prediction:
    """Score the tokens of the readings laid out, their context features given."""
    readings = [layout.reading for layout in layouts]
    bounds = list(pairwise(accumulate((len(reading.words) for reading in readings), initial=0)))
    sequences = [
        (first + start, first + end)
        for reading, (first, _) in zip(readings, bounds, strict=True)
        for start, end in reading.sequences
    ]
    emissions = [
        weights.emissions(layout, context)
        for layout, context in zip(layouts, contexts, strict=True)
    ]
    return Prediction(weights, bounds, Batch.of(sequences), np.concatenate(emissions))
