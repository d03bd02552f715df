"""How a tagger is trained: the presets, the first pass, and the second from unseen documents."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.backends.local.first_pass import FirstPass, Found, Report, gold_spans
from app.backends.local.reading import Reading, read
from app.backends.local.second_pass import Floats, SecondPass
from app.backends.local.training import Fit
from app.corpora.documents import Document

__all__ = ["PRESETS", "Held", "Options", "Report", "cross_fit", "train_first", "train_second"]


@dataclass(frozen=True, slots=True)
class Options:
    """How to train a tagger.

    `fit` is that of the CRF; with `perceptron` iterations another one, trained as an averaged
    perceptron, is blended into it. With two `folds` or more, a second pass learns from what CRFs
    say of the fold they were not trained on; those stop after `fold_iterations`.
    """

    fit: Fit
    perceptron: int = 0
    folds: int = 0
    fold_iterations: int = 1000

    def fits(self, stage: str, iterations: int) -> list[tuple[str, Fit]]:
        """The CRFs of one first pass, each with the name of its stage."""
        fits = [(stage, replace(self.fit, iterations=min(iterations, self.fit.iterations)))]
        if self.perceptron:
            fits.append((f"{stage} (perceptron)", Fit("ap", self.perceptron)))
        return fits


PRESETS = {
    "fast": Options(Fit(iterations=25), folds=3),
    "balanced": Options(Fit(iterations=80), perceptron=10, folds=3, fold_iterations=25),
    "accurate": Options(Fit(iterations=80), perceptron=10, folds=4),
}


@dataclass(frozen=True, slots=True)
class Held:
    """One fold as a first pass sees it that has learnt from the others.

    `numbers` are those of its documents; `right` says of each candidate whether it is a mention,
    1.0 or 0.0.
    """

    numbers: Sequence[int]
    readings: list[Reading]
    found: Found
    right: Floats


def train_first(documents: Sequence[Document], options: Options, report: Report) -> FirstPass:
    """The first pass of all these documents."""
    fits = options.fits("train", options.fit.iterations)
    return _first(documents, fits, report)


def cross_fit(documents: Sequence[Document], options: Options, report: Report) -> list[Held]:
    """Each fold, as it looks to who has not seen it; none if there are fewer than two.

    There are never more folds than documents.
    """
    folds = min(options.folds, len(documents))
    held: list[Held] = []
    for fold in range(folds if folds > 1 else 0):
        numbers = range(fold, len(documents), folds)
        others = [each for n, each in enumerate(documents) if n % folds != fold]
        fits = options.fits(f"fold {fold + 1}", options.fold_iterations)
        first = _first(others, fits, report)
        held.append(_held(first, documents, numbers))
    return held


def train_second(held: Sequence[Held]) -> SecondPass | None:
    """The second pass that these folds teach; None if they hold too little."""
    if not held:
        return None
    table = np.concatenate([each.found.table for each in held])
    return SecondPass.train(table, np.concatenate([each.right for each in held]))


def _first(
    documents: Sequence[Document], fits: Sequence[tuple[str, Fit]], report: Report
) -> FirstPass:
    readings = [read(document.text, document.body_offset) for document in documents]
    return FirstPass.train(readings, gold_spans(documents, readings), fits, report)


def _held(first: FirstPass, documents: Sequence[Document], numbers: Sequence[int]) -> Held:
    chosen = [documents[number] for number in numbers]
    readings = [read(document.text, document.body_offset) for document in chosen]
    found = first.find(readings)
    right = np.zeros(len(found.spans))
    for text, spans in enumerate(gold_spans(chosen, readings)):
        gold = set(spans)
        for row in range(found.edges[text], found.edges[text + 1]):
            right[row] = found.spans[row] in gold
    return Held(numbers, readings, found, right)
