"""Logistic regression for sparse rows, trained by crfsuite.

A linear-chain CRF over sequences of one item and two labels is maximum entropy, that is logistic
regression: each feature has one weight a label, and their difference is the feature's log odds.
With `c2` the L2 coefficient, it is the usual `C = 1 / c2` on that difference.
"""

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pycrfsuite  # type: ignore[import-untyped]
from numpy.typing import NDArray

_ITERATIONS = 300


def train_maxent(
    rows: Iterable[tuple[Mapping[int, float], bool]], size: int, c2: float
) -> NDArray[np.float64]:
    """The weights of features 0 to size - 1, from rows of ({feature: value}, answer).

    A feature never seen weighs 0, and so does every feature if there are no rows at all. There is
    no free intercept: give every row a constant feature.
    """
    trainer = pycrfsuite.Trainer("lbfgs", verbose=False)
    trainer.set_params(
        {
            "c1": 0.0,
            "c2": c2,
            "max_iterations": _ITERATIONS,
            "epsilon": 1e-4,
            "feature.possible_states": True,
            # Or features whose values are negative in sum would be left out.
            "feature.minfreq": -1e30,
        }
    )
    weights = np.zeros(size)
    answers = set()
    for values, answer in rows:
        trainer.append([{str(index): value for index, value in values.items()}], [str(int(answer))])
        answers.add(answer)
    if len(answers) < 2:
        return weights
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "maxent.crfsuite"))
        trainer.train(path)
        tagger = pycrfsuite.Tagger()
        tagger.open(path)
        for (index, label), weight in tagger.info().state_features.items():
            weights[int(index)] += weight if label == "1" else -weight
        tagger.close()
    return weights
