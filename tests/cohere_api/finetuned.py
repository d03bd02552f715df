"""Fine-tuning with Cohere's SDK, for the tests of it."""

import time
from collections.abc import Callable
from typing import Any

import cohere
from cohere.core.api_error import ApiError
from cohere.finetuning import BaseModel, FinetunedModel, Settings

from app.prompts.tasks import Task
from tests.cohere_api.training_rows import jsonl

CHAT = "chat-finetune-input"
SECONDS = 60
# The sample's rows of one task: the presets cannot be chosen here, and relations take longest.
ROWS = jsonl(tasks=(Task.DISEASES,), row_format="chat")


def model_on(dataset_id: str, name: str = "sample", **more: Any) -> FinetunedModel:
    """A request to train on a dataset."""
    settings: dict[str, Any] = {
        "base_model": BaseModel(base_type="BASE_TYPE_CHAT"),
        "dataset_id": dataset_id,
    } | more
    return FinetunedModel(name=name, settings=Settings(**settings))


def until(holds: Callable[[], bool]) -> None:
    """Look again until it holds."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def uploaded(co: cohere.Client, rows: bytes = ROWS, **more: Any) -> str:
    """The id of a validated dataset."""
    created = co.datasets.create(name="rows", type=CHAT, data=("rows.jsonl", rows), **more)
    return str(co.wait(created, interval=0.05, timeout=SECONDS).dataset.id)


def launched(co: cohere.Client, dataset_id: str, **more: Any) -> FinetunedModel:
    """A model that was asked for."""
    answer = co.finetuning.create_finetuned_model(request=model_on(dataset_id, **more))
    model: FinetunedModel | None = answer.finetuned_model
    assert model is not None
    return model


def got(co: cohere.Client, model_id: str) -> FinetunedModel:
    """The model as it is now."""
    model: FinetunedModel | None = co.finetuning.get_finetuned_model(model_id).finetuned_model
    assert model is not None
    return model


def ended(co: cohere.Client, model_id: str) -> FinetunedModel:
    """The model once it is ready, or has failed."""
    until(lambda: got(co, model_id).status in ("STATUS_READY", "STATUS_FAILED"))
    return got(co, model_id)


def message(error: ApiError) -> str:
    """What the SDK's user is told."""
    assert set(error.body) == {"id", "message"}
    return str(error.body["message"])
