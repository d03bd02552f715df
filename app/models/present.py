"""Models and aliases as clients see them."""

from app.backends.base import BaseModelInfo
from app.backends.registry import base_model_id
from app.models.schemas import Model, ModelAlias
from app.prompts.tasks import Task
from app.tables import ModelAliasRow, ModelRow


def present(row: ModelRow) -> Model:
    """A tuned model."""
    return Model(
        id=row.id,
        name=row.name,
        kind="tuned",
        backend=row.backend,
        base_model=row.base_model,
        tasks=[Task(task) for task in row.tasks],
        can_extract=row.retired_on is None,
        can_tune=False,
        description=f"Trained by {row.fine_tune_id}.",
        fine_tune_id=row.fine_tune_id,
        created_at=row.created_at,
        retired_on=row.retired_on,
        replaced_by=None,
    )


def present_base(backend: str, info: BaseModelInfo) -> Model:
    """A base model of a backend."""
    return Model(
        id=base_model_id(backend, info.name),
        name=info.name,
        kind="base",
        backend=backend,
        base_model=None,
        tasks=sorted(info.tasks),
        can_extract=info.can_extract,
        can_tune=info.can_tune,
        description=info.description,
        fine_tune_id=None,
        created_at=None,
        retired_on=info.retired_on,
        replaced_by=info.replaced_by and base_model_id(backend, info.replaced_by),
    )


def present_alias(row: ModelAliasRow) -> ModelAlias:
    """A name and what it points to."""
    return ModelAlias(name=row.name, model=row.model, updated_at=row.updated_at)
