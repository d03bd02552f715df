"""`medtune train`: a training file and a fine-tune of a dataset, followed to its model."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import typer

from app.commands.corpus import dataset_of
from app.commands.progress import followed, say, stderr
from app.commands.service import CommandError, Target, at_service, checked, path_of, succeeded


@dataclass(frozen=True, slots=True)
class Asked:
    """What to train on, where, and how; `dataset` is an id or a corpus file."""

    dataset: str
    splits: Sequence[str] = ("train",)
    tasks: Sequence[str] = ()
    text: str | None = None
    backend: str = "local"
    base_model: str | None = None
    hyperparameters: Sequence[str] = ()
    vocabularies: Sequence[str] = ()
    name: str | None = None
    json: bool = False


def run(asked: Asked, target: Target) -> None:
    """Train, and print the model's id or the fine-tune. Raises CommandError."""
    chosen = dict(map(hyperparameter, asked.hyperparameters))
    with at_service(target) as client:
        dataset = dataset_of(client, asked.dataset, asked.splits, stderr())
        wanted = {
            "dataset_id": dataset["id"],
            "splits": list(asked.splits),
            "tasks": list(asked.tasks) or None,
            **({"text": asked.text} if asked.text else {}),
        }
        file = checked(client.post("/v1/training-files", json=wanted), "id")
        location = path_of("training-files", file["id"])
        built = followed(client, location, "training file")
        succeeded(built, "training file", location)
        request = {
            "training_file_id": file["id"],
            "backend": asked.backend,
            "base_model": asked.base_model,
            "hyperparameters": chosen,
            "vocabularies": list(asked.vocabularies),
            "name": asked.name,
        }
        launched = checked(client.post("/v1/fine-tunes", json=request), "id")
        say(f"Fine-tune {launched['id']}")
        location = path_of("fine-tunes", launched["id"])
        fine_tune = succeeded(followed(client, location), "fine-tune", location)
    typer.echo(json.dumps(fine_tune) if asked.json else fine_tune["model_id"])


def hyperparameter(given: str) -> tuple[str, Any]:
    """Name and value of `name=value`; the value is JSON where it can be, else a string.

    Raises CommandError.
    """
    name, equals, value = given.partition("=")
    if not (name and equals):
        raise CommandError("A hyperparameter is written name=value, like preset=fast.")
    try:
        return name.strip(), json.loads(value, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return name.strip(), value


def _refuse(constant: str) -> Any:
    """JSON has no NaN and no Infinity, though Python reads them."""
    raise ValueError(constant)
