"""The hyperparameters: the container takes whatever is valid here, but for the number of GPUs."""

import pytest
from pydantic import ValidationError

from app.backends.base import BackendError
from app.backends.cohere_finetune.hyperparameters import CohereFinetuneHyperparameters
from tests.backends.cohere_finetune.conftest import Scene

VALID: list[dict[str, object]] = [
    {},
    {"parallel_strategy": "vanilla", "learning_rate": 1, "eval_percentage": 0.5},
    {"learning_rate": 1e-5, "eval_percentage": 0.2, "train_epochs": 50},
    {"train_batch_size": 6, "gradient_accumulation_steps": 3, "validation_batch_size": 1},
    {"use_4bit_quantization": True, "gradient_checkpointing": False},
    {"lora_config": {"rank": 1, "alpha": 1, "target_modules": ["ffn_expansion"]}},
    {"wandb_config": {"project": "p", "run_id": "r", "entity": "e"}},
]
INVALID: list[dict[str, object]] = [
    {"finetune_name": "../x"},
    {"base_model_name_or_path": "/etc"},
    {"parallel_strategy": "ddp"},
    {"finetune_strategy": "full"},
    {"train_epochs": 0},
    {"learning_rate": 1.1},
    {"learning_rate": 9e-6},
    {"learning_rate": float("nan")},
    {"eval_percentage": 0.04},
    {"train_batch_size": 16, "gradient_accumulation_steps": 3},
    {"lora_config": {"rank": 0}},
    {"lora_config": {"target_modules": []}},
    {"lora_config": {"dropout": 0.1}},
    {"wandb_config": {"project": "p"}},
]


@pytest.mark.parametrize("given", VALID, ids=str)
async def test_the_container_takes_what_is_valid(scene: Scene, given: dict[str, object]) -> None:
    """Also after it was stored with all its defaults."""
    stored = CohereFinetuneHyperparameters.model_validate(given).model_dump(mode="json")
    await scene.backend().launch(scene.job(hyperparameters=stored))
    assert len(scene.trainer.posts) == 1


@pytest.mark.parametrize("given", INVALID, ids=str)
async def test_refuses_what_is_not(scene: Scene, given: dict[str, object]) -> None:
    """Nothing reaches the container."""
    with pytest.raises(ValidationError):
        CohereFinetuneHyperparameters.model_validate(given)
    with pytest.raises(BackendError) as caught:
        await scene.backend().launch(scene.job(hyperparameters=given))
    assert caught.value.code == "invalid_hyperparameters"
    assert not scene.trainer.calls
