"""What a client may choose when it trains a local model; its JSON Schema is what clients see."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Preset = Literal["fast", "balanced", "accurate"]


class LocalHyperparameters(BaseModel):
    """A preset, and what is to differ from it; whatever is null keeps the preset's value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    preset: Annotated[
        Preset,
        Field(
            description="How much time to spend on training: `fast` for seconds, `balanced` for "
            "about two minutes per 500 abstracts, `accurate` for several."
        ),
    ] = "balanced"
    iterations: Annotated[
        int | None,
        Field(ge=1, le=1000, description="Most passes over the data when training the tagger."),
    ] = None
    c1: Annotated[
        float | None,
        Field(
            ge=0, le=100, description="L1 regularisation of the tagger; more gives fewer features."
        ),
    ] = None
    c2: Annotated[
        float | None,
        Field(
            ge=0, le=100, description="L2 regularisation of the tagger; more gives smaller weights."
        ),
    ] = None
    folds: Annotated[
        int | None,
        Field(
            ge=0,
            le=10,
            description="Parts of the documents: taggers trained on all but one answer for that "
            "one. A second pass learns from their answers which mentions to keep, and scores how "
            "far to be trusted. 0 or 1 does without.",
        ),
    ] = None
    relation_c2: Annotated[
        float | None,
        Field(
            gt=0,
            le=1000,
            description="L2 penalty of the relation model's first stage.",
        ),
    ] = None
    relation_folds: Annotated[
        int | None,
        Field(
            ge=2,
            le=20,
            description="Parts for the cross-fitting that the relation model's second stage and "
            "its threshold are learnt from.",
        ),
    ] = None
    relation_threshold: Annotated[
        float | None,
        Field(
            gt=0,
            lt=1,
            description="Probability from which a relation is kept; null finds the best one on the "
            "training documents.",
        ),
    ] = None
    seed: Annotated[
        int,
        Field(
            ge=0,
            le=2**31 - 1,
            description="Seed of every random choice: the same documents, hyperparameters and seed "
            "give the same model.",
        ),
    ] = 0
