"""Training one CRF with CRFsuite, and reading its weights out again."""

import ctypes
import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pycrfsuite  # type: ignore[import-untyped]

from app.backends.local.labels import OUTSIDE
from app.backends.local.weights import Weights

# The features of each token of a sequence, and the label of each.
Example = tuple[Sequence[Sequence[str]], Sequence[str]]
# Called once per iteration with its number, from 1, and its metrics (`loss`).
Progress = Callable[[int, dict[str, float]], None]

_ITERATION = re.compile(r"\*+ Iteration #(\d+)")
_LOSS = re.compile(r"Loss: ([-+.\deE]+)")


@dataclass(frozen=True, slots=True)
class Fit:
    """How to train one CRF.

    `lbfgs` maximises the likelihood with penalties c1 (L1) and c2 (L2), its probabilities mean
    something; `ap` is the averaged perceptron, which errs in other places, without penalties.
    """

    algorithm: Literal["lbfgs", "ap"] = "lbfgs"
    iterations: int = 80
    c1: float = 0.1
    c2: float = 0.05

    def parameters(self) -> dict[str, float]:
        """The same in CRFsuite's names."""
        shared: dict[str, float] = {
            "max_iterations": self.iterations,
            "feature.possible_transitions": 1,
        }
        return shared if self.algorithm == "ap" else {**shared, "c1": self.c1, "c2": self.c2}


def fit_weights(examples: Iterable[Example], fit: Fit, progress: Progress) -> Weights:
    """The CRF of these examples."""
    trainer = _Trainer(fit, progress)
    # CRFsuite is shown numbers for names: its dump cannot be read back with every Unicode name.
    numbers: dict[str, str] = {}
    for features, labels in examples:
        trainer.append(
            [[numbers.setdefault(name, str(len(numbers))) for name in token] for token in features],
            labels,
        )
    if not numbers:
        return Weights([OUTSIDE], [], np.zeros((0, 1), np.float32), np.zeros((1, 1), np.float32))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "crf"
        _seed_shuffling()
        trainer.train(str(path))
        return _read(path, list(numbers))


def _seed_shuffling() -> None:
    """Make the perceptron's shuffling repeatable: CRFsuite uses C's `rand`, and never seeds it."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).srand(1)


class _Trainer(pycrfsuite.BaseTrainer):  # type: ignore[misc]
    """CRFsuite's trainer, its log turned into progress."""

    def __init__(self, fit: Fit, progress: Progress) -> None:
        super().__init__(fit.algorithm, fit.parameters())
        self._progress = progress
        self._iteration = 0

    def message(self, line: str) -> None:
        if match := _ITERATION.match(line):
            self._iteration = int(match[1])
        elif match := _LOSS.match(line):
            self._progress(self._iteration, {"loss": float(match[1])})


def _read(path: Path, names: Sequence[str]) -> Weights:
    """The weights of a model file whose features are numbers into `names`; zeros are left out."""
    tagger = pycrfsuite.Tagger()
    with tagger.open(str(path)):
        info = tagger.info()
    labels = sorted(info.labels, key=lambda label: (label != OUTSIDE, label))
    column = {label: number for number, label in enumerate(labels)}
    transitions = np.zeros((len(labels), len(labels)), np.float32)
    for (before, after), weight in info.transitions.items():
        transitions[column[before], column[after]] = weight
    used = sorted({int(number) for (number, _), weight in info.state_features.items() if weight})
    row = {str(number): place for place, number in enumerate(used)}
    states = np.zeros((len(used), len(labels)), np.float32)
    for (number, label), weight in info.state_features.items():
        if weight:
            states[row[number], column[label]] = weight
    return Weights(labels, [names[number] for number in used], states, transitions)
