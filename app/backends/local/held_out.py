"""What taggers say of documents they have not seen: to calibrate scores, and to learn from.

A tagger is surer of what it was trained on than it will ever be again. Whatever learns from its
answers (how far to trust a score, the linker's thresholds, relations) must be shown honest ones.
"""

from collections.abc import Sequence
from dataclasses import replace

from app.backends.base import FoundMention
from app.backends.local.stages import Options, Report
from app.backends.local.tagger import Tagger
from app.corpora.documents import Document

# Enough for answers of the same kind as those of the whole training.
_MOST_ITERATIONS = 25


def out_of_fold(
    documents: Sequence[Document], options: Options, folds: int, report: Report
) -> list[list[FoundMention]]:
    """The mentions of each document, found by a tagger that learnt from the other folds only.

    Those taggers are trained in a short time: one stage, few iterations. There are at most as many
    folds as documents; of fewer than two nothing can be said, and nothing is found. The stages
    reported are `held out 1` and so on.
    """
    folds = min(folds, len(documents))
    found: list[list[FoundMention]] = [[] for _ in documents]
    if folds < 2:
        return found
    for fold in range(folds):
        held = documents[fold::folds]
        others = [each for number, each in enumerate(documents) if number % folds != fold]
        tagger = Tagger.train(others, _quick(options), _named(f"held out {fold + 1}", report))
        texts, titles = [each.text for each in held], [each.body_offset for each in held]
        found[fold::folds] = tagger.tag(texts, titles)
    return found


def _quick(options: Options) -> Options:
    iterations = min(options.fit.iterations, _MOST_ITERATIONS)
    return replace(options, fit=replace(options.fit, iterations=iterations), folds=0)


def _named(stage: str, report: Report) -> Report:
    """Reports of a training under another name."""

    def renamed(_: str, step: int, steps: int, metrics: dict[str, float]) -> None:
        report(stage, step, steps, metrics)

    return renamed
