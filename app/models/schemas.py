"""What the models room says on the wire."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.prompts.tasks import Task

ALIAS = "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"


class Model(BaseModel):
    """A model one may extract with."""

    id: str = Field(
        description="`backend:name` of a base model, `mdl_...` of a tuned one.",
        examples=["mdl_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"],
    )
    name: str = Field(examples=["bc5cdr-balanced"])
    kind: Literal["base", "tuned"]
    backend: str = Field(examples=["local"])
    base_model: str | None
    tasks: list[Task]
    can_extract: bool
    can_tune: bool = Field(description="Whether a fine-tune may start from it.")
    description: str
    fine_tune_id: str | None = Field(description="Where a tuned model comes from.")
    created_at: datetime | None
    retired_on: date | None = Field(description="Since when its backend serves it no more.")
    replaced_by: str | None = Field(description="What the backend offers instead, if it says so.")


class AliasRequest(BaseModel):
    """Where an alias is to point."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"model": "local:rules"}]}
    )

    model: str = Field(max_length=200, examples=["local:rules"])


class ModelAlias(BaseModel):
    """A name that points to a model."""

    name: str = Field(examples=["production"])
    model: str
    updated_at: datetime


class BackendInfo(BaseModel):
    """A place where models are trained and run."""

    name: str = Field(examples=["local"])
    configured: bool = Field(description="False: it lacks a key or an address in the settings.")
    can_train: bool
    hyperparameters: dict[str, Any] | None = Field(
        description="JSON Schema of a fine-tune's hyperparameters; null if it does not train."
    )
    base_models: list[str] = Field(examples=[["local:rules"]])


class BackendList(BaseModel):
    """All backends."""

    items: list[BackendInfo]
