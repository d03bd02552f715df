"""Fine-tuned models as Cohere's API writes them (its OpenAPI schemas of `/v1/finetuning`).

What is read-only or deprecated there is passed over in requests, as is the key of Weights & Biases:
it is never read.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app.cohere_api.texts import Printable

FinetuneStatus = Literal["STATUS_QUEUED", "STATUS_FINETUNING", "STATUS_READY", "STATUS_FAILED"]
LoraTargetModules = Literal[
    "LORA_TARGET_MODULES_UNSPECIFIED",
    "LORA_TARGET_MODULES_QV",
    "LORA_TARGET_MODULES_QKVO",
    "LORA_TARGET_MODULES_QKVO_FFN",
]


Text = Annotated[Printable, Field(max_length=200)]


class BaseModelSettings(BaseModel):
    """The model to start from: `<backend>:<model>` here, or a name of the backend in charge."""

    base_type: Literal["BASE_TYPE_CHAT", "BASE_TYPE_GENERATIVE"]
    name: Text | None = None


class Hyperparameters(BaseModel):
    """Hyperparameters, within the ranges that Cohere published last; it published none for LoRA."""

    train_epochs: Annotated[int, Field(ge=1, le=10)] | None = None
    learning_rate: Annotated[float, Field(ge=0.00005, le=0.1)] | None = None
    train_batch_size: Annotated[int, Field(ge=2, le=16)] | None = None
    early_stopping_threshold: Annotated[float, Field(ge=0.001, le=0.1)] | None = None
    early_stopping_patience: Annotated[int, Field(ge=0, le=10)] | None = None
    lora_rank: Annotated[int, Field(ge=1, le=1024)] | None = None
    lora_alpha: Annotated[int, Field(ge=1, le=1024)] | None = None
    lora_target_modules: LoraTargetModules | None = None


class Wandb(BaseModel):
    """Where on Weights & Biases a training was to report to; it does not."""

    project: Text | None = None
    entity: Text | None = None


class FinetuneSettings(BaseModel):
    """What to train, on what."""

    base_model: BaseModelSettings
    dataset_id: Annotated[Text, Field(min_length=1, max_length=100)]
    hyperparameters: Hyperparameters | None = None
    wandb: Wandb | None = None


class FinetunedModelRequest(BaseModel):
    """A fine-tuned model to be made, or renamed."""

    name: Annotated[Text, Field(min_length=1)]
    settings: FinetuneSettings


class FinetunedModel(BaseModel):
    """A fine-tune; the model to chat with is its id and `-ft`."""

    id: str
    name: str
    settings: FinetuneSettings
    status: FinetuneStatus
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None


class OneFinetunedModel(BaseModel):
    """The answer to whatever is done with one."""

    finetuned_model: FinetunedModel


class FinetunedModels(BaseModel):
    """A page; an empty token is that of the last."""

    finetuned_models: list[FinetunedModel]
    next_page_token: str
    total_size: int


class Event(BaseModel):
    """A change of status; nobody is known as its cause, as the service has no users."""

    user_id: str = ""
    status: FinetuneStatus
    created_at: datetime


class Events(BaseModel):
    """A page of events; an empty token is that of the last."""

    events: list[Event]
    next_page_token: str
    total_size: int


class StepMetrics(BaseModel):
    """What was measured at one step; steps are counted from 1 over all stages of the training."""

    created_at: datetime | None
    step_number: int
    metrics: dict[str, float]


class ListedStepMetrics(BaseModel):
    """A page of the training curve; an empty token is that of the last."""

    step_metrics: list[StepMetrics]
    next_page_token: str
