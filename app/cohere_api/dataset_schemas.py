"""Datasets as Cohere's API writes them (its OpenAPI schema `Dataset`)."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Literal, NamedTuple

from pydantic import BaseModel

ValidationStatus = Literal["unknown", "queued", "processing", "failed", "validated", "skipped"]


class DatasetType(NamedTuple):
    """What a type's rows must have, and how many of them: alone, or beside evaluation data."""

    fields: tuple[str, ...]
    minimum: int
    minimum_with_eval: int


# The minima are those Cohere published for fine-tuning of chat and of generative models.
TYPES: Mapping[str, DatasetType] = MappingProxyType(
    {
        "chat-finetune-input": DatasetType(("messages",), 2, 1),
        "prompt-completion-finetune-input": DatasetType(("prompt", "completion"), 32, 32),
    }
)


class DatasetPart(BaseModel):
    """One uploaded file; `size_bytes` as uploaded."""

    id: str
    name: str
    index: int
    size_bytes: int
    num_rows: int | None


class FinetuneDatasetMetrics(BaseModel):
    """What there is to learn from; tokens are estimated, four bytes each."""

    trainable_token_count: int
    total_examples: int
    train_examples: int
    train_size_bytes: int
    eval_examples: int
    eval_size_bytes: int


class Metrics(BaseModel):
    """Metrics of a dataset, by its kind."""

    finetune_dataset_metrics: FinetuneDatasetMetrics


class CohereDataset(BaseModel):
    """A dataset; the error is the first of its report, the warnings are the others."""

    id: str
    name: str
    created_at: datetime
    updated_at: datetime
    dataset_type: str
    validation_status: ValidationStatus
    validation_error: str | None
    validation_warnings: list[str]
    required_fields: list[str]
    preserve_fields: list[str]
    dataset_parts: list[DatasetPart]
    metrics: Metrics


class CreatedDataset(BaseModel):
    """The id of a dataset that is being validated."""

    id: str


class GotDataset(BaseModel):
    """One dataset."""

    dataset: CohereDataset


class ListedDatasets(BaseModel):
    """A page of datasets, newest first."""

    datasets: list[CohereDataset]


class Usage(BaseModel):
    """Bytes of all datasets as they were uploaded."""

    organization_usage: int
