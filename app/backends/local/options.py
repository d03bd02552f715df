"""From the hyperparameters a client chose to the options of each part: what the presets mean."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from app.backends.local.hyperparameters import LocalHyperparameters, Preset
from app.backends.local.relations import RelationOptions
from app.backends.local.stages import PRESETS
from app.backends.local.stages import Options as TaggerOptions
from app.backends.local.training import Fit
from app.prompts.tasks import Task

Number = TypeVar("Number", int, float)

# What an iteration of the perceptron takes, in iterations of L-BFGS.
_PERCEPTRON = 3.0
# More folds: the second stage learns from answers more like those it will be given.
_RELATION_FOLDS: dict[Preset, int] = {"fast": 2, "balanced": 10, "accurate": 10}


def tagger_options(chosen: LocalHyperparameters) -> TaggerOptions:
    """The tagger's options; one fold is as good as none."""
    options = PRESETS[chosen.preset]
    fit = replace(
        options.fit,
        iterations=_or(chosen.iterations, options.fit.iterations),
        c1=_or(chosen.c1, options.fit.c1),
        c2=_or(chosen.c2, options.fit.c2),
    )
    folds = _or(chosen.folds, options.folds)
    return replace(options, fit=fit, folds=folds if folds > 1 else 0)


def relation_options(chosen: LocalHyperparameters) -> RelationOptions:
    """The relation model's options."""
    return RelationOptions(
        c2=_or(chosen.relation_c2, RelationOptions().c2),
        folds=_or(chosen.relation_folds, _RELATION_FOLDS[chosen.preset]),
        threshold=chosen.relation_threshold,
        seed=chosen.seed,
    )


def stage_shares(chosen: LocalHyperparameters, tasks: frozenset[Task]) -> dict[str, float]:
    """The stages of a training, in order, each with its share of the time; together 1.

    Measured on 500 abstracts, in iterations of L-BFGS over all of them: one of the perceptron takes
    as long as three.
    """
    options = tagger_options(chosen)
    shares: dict[str, float] = {}
    part = (options.folds - 1) / options.folds if options.folds else 0.0
    for fold in range(options.folds):
        shares |= _times(options.fits(f"fold {fold + 1}", options.fold_iterations), part)
    shares |= _times(options.fits("train", options.fit.iterations), 1.0)
    whole = sum(shares.values())
    shares["calibration"] = 0.1 * whole
    if Task.RELATIONS in tasks:
        shares["relations"] = 0.2 * whole
    total = sum(shares.values())
    return {stage: share / total for stage, share in shares.items()}


def _times(fits: Sequence[tuple[str, Fit]], part: float) -> dict[str, float]:
    return {
        stage: part * fit.iterations * (_PERCEPTRON if fit.algorithm == "ap" else 1.0)
        for stage, fit in fits
    }


def _or(chosen: Number | None, preset: Number) -> Number:
    return preset if chosen is None else chosen
