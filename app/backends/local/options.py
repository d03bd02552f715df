"""From the hyperparameters a client chose to the options of each part: what the presets mean."""

from dataclasses import replace
from typing import TypeVar

from app.backends.local.hyperparameters import LocalHyperparameters, Preset
from app.backends.local.relations import RelationOptions
from app.backends.local.stages import PRESETS
from app.backends.local.stages import Options as TaggerOptions
from app.prompts.tasks import Task

Number = TypeVar("Number", int, float)

# More folds: the second stage learns from answers more like those it will be given.
_RELATION_FOLDS: dict[Preset, int] = {"fast": 2, "balanced": 10, "accurate": 10}

# Taggers trained on the side, to learn from what they say of documents they have not seen.
_HELD_OUT_FOLDS: dict[Preset, int] = {"fast": 2, "balanced": 3, "accurate": 5}


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


def held_out_folds(chosen: LocalHyperparameters) -> int:
    """How many parts the documents are held out in, for scores and relations to be learnt from."""
    return _HELD_OUT_FOLDS[chosen.preset]


def stage_shares(chosen: LocalHyperparameters, tasks: frozenset[Task]) -> dict[str, float]:
    """The stages of a training, in order, each with its share of the time; together 1.

    Measured on 500 abstracts: one CRF trained by L-BFGS takes as long as five by perceptron, as
    three trained in few iterations on a part, and as five relation models.
    """
    options = tagger_options(chosen)
    early = [f"fold {number + 1}" for number in range(options.folds)]
    early += ["first stage"] if early else []
    shares = dict.fromkeys(early, 1.0)
    shares["train"] = 5.0 if options.fit.algorithm == "lbfgs" else 1.0
    shares |= {f"held out {number + 1}": 1.5 for number in range(held_out_folds(chosen))}
    shares["calibration"] = 0.5
    if Task.RELATIONS in tasks:
        shares["relations"] = 1.0
    total = sum(shares.values())
    return {stage: share / total for stage, share in shares.items()}


def _or(chosen: Number | None, preset: Number) -> Number:
    return preset if chosen is None else chosen
