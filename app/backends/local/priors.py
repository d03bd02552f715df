"""What training documents said of a chemical, a disease or the two together.

A document is never judged by its own answer: while training, take it off, describe it, put it
back (`without`), else every known pair looks certain and the model learns to trust that.
"""

from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from math import log, log1p
from typing import Self

import numpy as np
from numpy.typing import NDArray

from app.backends.local.arrays import pack_strings, unpack_strings
from app.backends.local.scene import Scene

Pair = tuple[str, str]
# A side left open: (chemical, "") is the chemical with any disease.
_ANY = ""
_TABLES = ("pairs", "documents")
_VALUES = ("unseen", "log_rate", "rate", "positives", "negatives_only")

# pair, chemical and disease count candidate pairs; the last two count documents.
PRIOR_NUMBERS = tuple(
    f"{kind}_{value}"
    for kind in ("pair", "chemical", "disease", "chemical_documents", "disease_documents")
    for value in _VALUES
)


class Priors:
    """Counts of [not related, related], by pair of concepts, either side left open."""

    def __init__(self) -> None:
        self._pairs: dict[Pair, list[int]] = {}
        self._documents: dict[Pair, list[int]] = {}

    def add(self, scene: Scene, related: Set[Pair], times: int = 1) -> None:
        """Count one document, or with `times=-1` take it off again."""
        chemicals = [concept.key for concept in scene.chemicals]
        diseases = [concept.key for concept in scene.diseases]
        for chemical in chemicals:
            for disease in diseases:
                answer = (chemical, disease) in related
                for key in ((chemical, disease), (chemical, _ANY), (_ANY, disease)):
                    self._pairs.setdefault(key, [0, 0])[answer] += times
        for chemical in chemicals:
            answer = any((chemical, disease) in related for disease in diseases)
            self._documents.setdefault((chemical, _ANY), [0, 0])[answer] += times
        for disease in diseases:
            answer = any((chemical, disease) in related for chemical in chemicals)
            self._documents.setdefault((_ANY, disease), [0, 0])[answer] += times

    @contextmanager
    def without(self, scene: Scene, related: Set[Pair]) -> Iterator[None]:
        """The counts as they would be had this document, counted before, not been seen."""
        self.add(scene, related, -1)
        try:
            yield
        finally:
            self.add(scene, related)

    def numbers(self, chemical: str, disease: str) -> list[float]:
        """One number for each of PRIOR_NUMBERS."""
        return [
            *_numbers(self._pairs.get((chemical, disease))),
            *_numbers(self._pairs.get((chemical, _ANY))),
            *_numbers(self._pairs.get((_ANY, disease))),
            *_numbers(self._documents.get((chemical, _ANY))),
            *_numbers(self._documents.get((_ANY, disease))),
        ]

    def state(self) -> dict[str, NDArray[np.generic]]:
        """The counts as arrays."""
        state: dict[str, NDArray[np.generic]] = {}
        for name, table in zip(_TABLES, (self._pairs, self._documents), strict=True):
            state[f"{name}.chemicals"] = pack_strings(chemical for chemical, _ in table)
            state[f"{name}.diseases"] = pack_strings(disease for _, disease in table)
            state[f"{name}.counts"] = np.array(list(table.values()), np.int32).reshape(-1, 2)
        return state

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[np.generic]]) -> Self:
        """The inverse of `state`."""
        priors = cls()
        for name, table in zip(_TABLES, (priors._pairs, priors._documents), strict=True):
            keys = zip(
                unpack_strings(state[f"{name}.chemicals"]),
                unpack_strings(state[f"{name}.diseases"]),
                strict=True,
            )
            table.update(zip(keys, state[f"{name}.counts"].tolist(), strict=True))
        return priors


def _numbers(counts: list[int] | None) -> tuple[float, float, float, float, float]:
    negatives, positives = counts or (0, 0)
    total = negatives + positives
    if not total:
        return (1.0, 0.0, 0.0, 0.0, 0.0)
    return (
        0.0,
        log((positives + 0.5) / (negatives + 1.0)),
        (positives + 0.3) / (total + 1.0),
        log1p(positives),
        0.0 if positives else log1p(negatives),
    )
