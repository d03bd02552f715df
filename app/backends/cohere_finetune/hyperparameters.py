"""What a client may choose for a training by cohere-finetune, and how the container wants it said.

Names, defaults and ranges are those of the container's `POST /finetune`; what it needs GPUs to
check (batch sizes divisible by their number) it checks itself.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Module = Literal["q", "k", "v", "o", "ffn_expansion"]
Label = Annotated[str, StringConstraints(min_length=1, max_length=128)]

DEFAULT_BASE_MODEL = "command-r-7b-12-2024"
BASE_MODELS: Mapping[str, str] = {
    "command-r-7b-12-2024": "Command R7B, the smallest of Command R; the default.",
    "command-r7b-12-2024": "The same, spelt as Cohere's API does.",
    "command-r-08-2024": "Command R of August 2024.",
    "command-r-plus-08-2024": "Command R+ of August 2024.",
    "command-r": "Command R, first edition.",
    "command-r-plus": "Command R+, first edition.",
    "command-a-03-2025": "Command A.",
    "aya-expanse-8b": "Aya Expanse 8B, multilingual.",
    "aya-expanse-32b": "Aya Expanse 32B, multilingual.",
}
# Names of Cohere's API that the container refuses.
_SPELT_THERE = {"command-r7b-12-2024": "command-r-7b-12-2024"}


class _Choice(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LoraConfig(_Choice):
    """The adapter that is trained and then merged into the base model's weights."""

    rank: Annotated[int, Field(ge=1, description="Rank of the adapter.")] = 8
    alpha: Annotated[
        int | None, Field(ge=1, description="Scale of the adapter; null is twice the rank.")
    ] = None
    target_modules: Annotated[
        list[Module], Field(min_length=1, max_length=5, description="Layers that get an adapter.")
    ] = ["q", "k", "v", "o"]
    rslora: Annotated[bool, Field(description="Rank-stabilised scaling.")] = True


class WandbConfig(_Choice):
    """Where on Weights & Biases the container reports to; it needs WANDB_API_KEY for that."""

    project: Annotated[Label, Field(description="Project the run belongs to.")]
    # The container starts its trainer with whatever this is, and is stuck if it is nothing.
    run_id: Annotated[Label, Field(description="Name of the run.")]
    entity: Annotated[Label | None, Field(description="User or team, if not your own.")] = None


class CohereFinetuneHyperparameters(_Choice):
    """Hyperparameters of cohere-finetune."""

    parallel_strategy: Annotated[
        Literal["vanilla", "fsdp", "deepspeed"],
        Field(description="How several GPUs share the work; `vanilla` spreads one model."),
    ] = "fsdp"
    finetune_strategy: Annotated[
        Literal["lora"], Field(description="LoRA, or QLoRA with `use_4bit_quantization`.")
    ] = "lora"
    use_4bit_quantization: Annotated[
        bool, Field(description="Load the base model in 4 bits (QLoRA): less GPU memory.")
    ] = False
    gradient_checkpointing: Annotated[
        bool, Field(description="Compute activations twice instead of keeping them: less memory.")
    ] = True
    gradient_accumulation_steps: Annotated[
        int, Field(ge=1, description="Parts of a batch that are computed one after another.")
    ] = 1
    train_epochs: Annotated[int, Field(ge=1, description="Passes over the training data.")] = 1
    train_batch_size: Annotated[
        int,
        Field(
            ge=1,
            description="Rows of a training step; divisible by the number of GPUs (`vanilla`: by "
            "1) times `gradient_accumulation_steps`.",
        ),
    ] = 16
    validation_batch_size: Annotated[
        int,
        Field(ge=1, description="Rows evaluated at once; divisible by the number of GPUs."),
    ] = 16
    learning_rate: Annotated[float, Field(ge=1e-5, le=1, description="Peak learning rate.")] = 1e-4
    eval_percentage: Annotated[
        float,
        Field(
            ge=0.05,
            le=0.5,
            description="Part of the training rows that is evaluated on instead, if there is no "
            "evaluation file.",
        ),
    ] = 0.2
    lora_config: Annotated[
        LoraConfig, Field(description="The low-rank adapters that are trained.")
    ] = LoraConfig()
    wandb_config: Annotated[
        WandbConfig | None, Field(description="Report to Weights & Biases; null does not.")
    ] = None

    @model_validator(mode="after")
    def _batch_can_be_parted(self) -> "CohereFinetuneHyperparameters":
        if self.train_batch_size % self.gradient_accumulation_steps:
            raise ValueError("train_batch_size must be divisible by gradient_accumulation_steps")
        return self

    def body(self, name: str, base_model: str) -> dict[str, Any]:
        """The body of `POST /finetune`: truth values are strings there, nulls are left out."""
        chosen = self.model_dump(mode="json", exclude_none=True)
        return {
            "finetune_name": name,
            "base_model_name_or_path": _SPELT_THERE.get(base_model, base_model),
            **{key: _said(value) for key, value in chosen.items()},
        }


def _said(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return {key: _said(each) for key, each in value.items()}
    return value
