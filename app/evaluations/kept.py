"""What an evaluation that has succeeded has kept, to be read without asking a model again."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.evaluations.detail_schemas import Place
from app.platform.blobs import Blobs
from app.platform.errors import invalid_field
from app.prompts.tasks import Task


@dataclass(frozen=True, slots=True)
class Split:
    """A split evaluated: its name, and the file of its documents."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class KeptModel:
    """A model evaluated: its id, the name it was asked for by, and the file of its records."""

    id: str
    asked: str
    records: Path


@dataclass(frozen=True, slots=True)
class Kept:
    """What is left of an evaluation that has succeeded."""

    models: Sequence[KeptModel]
    splits: Sequence[Split]
    tasks: Sequence[Task]
    resamples: int

    def model(self, name: str | None, pointer: str, default: int) -> KeptModel:
        """The model of this name, or the one at position `default`. Raises ApiError."""
        if name is None and default < len(self.models):
            return self.models[default]
        for model in self.models:
            if name in (model.id, model.asked):
                return model
        raise invalid_field(pointer, "unknown", "It is not among the models of the evaluation.")

    def check_task(self, task: Task) -> None:
        """Raise ApiError if it was not evaluated."""
        if task not in self.tasks:
            raise invalid_field(
                "/query/task", "unknown", f"The tasks are: {', '.join(self.tasks)}."
            )


@dataclass(frozen=True, slots=True)
class KeptBlobs:
    """The same, not yet on this machine: `models` are (id, name asked for, blob of its records),
    `splits` (name, blob of its documents)."""

    models: Sequence[tuple[str, str, str]]
    splits: Sequence[tuple[str, str]]
    tasks: Sequence[Task]
    resamples: int

    async def local(self, blobs: Blobs) -> Kept:
        """To be read now. Raises FileNotFoundError if it was deleted meanwhile."""
        return Kept(
            models=[
                KeptModel(model, asked, await blobs.local(blob))
                for model, asked, blob in self.models
            ],
            splits=[Split(name, await blobs.local(blob)) for name, blob in self.splits],
            tasks=self.tasks,
            resamples=self.resamples,
        )


def place(text: str, span: tuple[int, int]) -> Place:
    """A span of a document's text."""
    return Place(start=span[0], end=span[1], text=text[slice(*span)])
