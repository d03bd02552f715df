"""`medtune upload`: corpus files to a dataset of a service."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from app.commands.corpus import readable, sent
from app.commands.progress import followed, say
from app.commands.service import CommandError, Json, Target, at_service, path_of


@dataclass(frozen=True, slots=True)
class Asked:
    """Files of one dataset; one split for each, one for all, or none."""

    files: Sequence[Path]
    splits: Sequence[str] = ()
    name: str | None = None
    format: str | None = None
    wait: bool = False
    json: bool = False


def run(asked: Asked, target: Target) -> None:
    """Upload, and print the dataset's id or the dataset. Raises CommandError."""
    splits = list(asked.splits)
    if len(splits) == 1:
        splits *= len(asked.files)
    if splits and len(splits) != len(asked.files):
        raise CommandError("Give one --split for each file, one for all of them, or none.")
    if missing := [str(path) for path in asked.files if not path.is_file()]:
        raise CommandError(f"Not a file: {', '.join(missing)}")
    said = {"split": splits, "name": asked.name, "format": asked.format}
    with at_service(target) as client:
        dataset = sent(client, asked.files, {name: value for name, value in said.items() if value})
        # A service of its own would not be there to read it later.
        if asked.wait or target.own:
            location = path_of("datasets", dataset["id"])
            settled = followed(client, location)
            dataset = readable(client, settled, ", ".join(map(str, asked.files)))
            say(_summary(dataset))
    typer.echo(json.dumps(dataset) if asked.json else dataset["id"])


def _summary(dataset: Json) -> str:
    parts = [f"{split['name']} {split['documents']}" for split in dataset["splits"]]
    return f"Documents: {', '.join(parts)}."
