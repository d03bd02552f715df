"""What a client may choose when it fine-tunes on a Cohere server.

Ranges and defaults are those that Cohere published last for chat fine-tuning; for the LoRA values
it published none, and the server decides. Weights & Biases is left out: its key would be stored.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

LoraTargetModules = Literal[
    "LORA_TARGET_MODULES_QV", "LORA_TARGET_MODULES_QKVO", "LORA_TARGET_MODULES_QKVO_FFN"
]


class CohereHyperparameters(BaseModel):
    """Cohere's own names; whatever is null is left to the server."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    train_epochs: Annotated[
        int, Field(ge=1, le=10, description="Passes over the training data.")
    ] = 1
    learning_rate: Annotated[
        float, Field(ge=0.00005, le=0.1, description="Step size of the optimiser.")
    ] = 0.01
    train_batch_size: Annotated[
        int, Field(ge=2, le=16, description="Training examples in a step.")
    ] = 16
    early_stopping_threshold: Annotated[
        float,
        Field(ge=0.001, le=0.1, description="How much the loss must improve to count as better."),
    ] = 0.001
    early_stopping_patience: Annotated[
        int,
        Field(
            ge=0,
            le=10,
            description="Training stops after so many evaluations without improvement.",
        ),
    ] = 10
    lora_rank: Annotated[
        int | None, Field(ge=1, description="Rank of the low-rank matrices that are trained.")
    ] = None
    lora_alpha: Annotated[int | None, Field(ge=1, description="Scale of the low-rank update.")] = (
        None
    )
    lora_target_modules: Annotated[
        LoraTargetModules | None, Field(description="Which layers the matrices are added to.")
    ] = None
