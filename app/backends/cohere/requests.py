"""What a training is called on a Cohere server, and what is asked for to create it."""

import hashlib
from collections.abc import Mapping

from cohere.finetuning.finetuning import BaseModel as RemoteBaseModel
from cohere.finetuning.finetuning import FinetunedModel, Hyperparameters, Settings
from pydantic import ValidationError

from app.backends.base import BackendError, TrainingJob
from app.backends.cohere.hyperparameters import CohereHyperparameters

_LONGEST_NAME = 49


def remote_name(reference: str) -> str:
    """The name of a job's dataset and fine-tune, at most 49 characters; unlike for each job."""
    name = f"medtune-{reference}"
    if len(name) <= _LONGEST_NAME:
        return name
    return "medtune-" + hashlib.sha256(reference.encode()).hexdigest()[:40]


def tune_request(job: TrainingJob, name: str) -> FinetunedModel:
    """What to create, but for the dataset. Raises BackendError `invalid_hyperparameters`."""
    try:
        chosen = CohereHyperparameters.model_validate(job.hyperparameters)
    except ValidationError:
        raise BackendError(
            "invalid_hyperparameters", "The hyperparameters are not those of this backend."
        ) from None
    values: Mapping[str, int | float | str] = chosen.model_dump(mode="json", exclude_none=True)
    return FinetunedModel(
        name=name,
        settings=Settings(
            base_model=RemoteBaseModel(base_type="BASE_TYPE_CHAT", name=job.base_model),
            dataset_id="",
            hyperparameters=Hyperparameters.model_validate(values),
        ),
    )
