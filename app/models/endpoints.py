"""`/v1/models`, `/v1/model-aliases`, `/v1/backends`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from app.backends.asked import asked, asked_about
from app.backends.http import BackendsDep
from app.models.schemas import ALIAS, AliasRequest, BackendList, Model, ModelAlias
from app.models.service import Models
from app.platform.http import Cursor, Limit, PlatformDep, ReadWork, WriteWork
from app.platform.pagination import Page
from app.platform.problem_json import problem_responses

router = APIRouter(tags=["models"])

ModelId = Annotated[
    str,
    Path(
        max_length=200,
        description="A base model's id, a tuned model's, or an alias.",
        examples=["local:rules"],
    ),
]
AliasName = Annotated[
    str,
    Path(
        pattern=ALIAS,
        description="Letters, digits, dot, dash and underscore; not like an id.",
        examples=["production"],
    ),
]


async def reading(work: ReadWork, backends: BackendsDep) -> Models:
    """The room's service in a transaction for reading."""
    return Models(work, backends)


async def writing(work: WriteWork, backends: BackendsDep) -> Models:
    """The room's service in a transaction for writing."""
    return Models(work, backends)


Reading = Annotated[Models, Depends(reading)]
Writing = Annotated[Models, Depends(writing)]


@router.get(
    "/models",
    operation_id="listModels",
    summary="List the models one may extract with",
    responses=problem_responses("invalid_cursor", "invalid_request"),
)
async def list_models(
    platform: PlatformDep, backends: BackendsDep, cursor: Cursor = None, limit: Limit = 50
) -> Page[Model]:
    """Base models of the backends, then tuned ones, newest first."""
    told = await asked(backends)
    async with platform.work(write=False) as work:
        return await Models(work, told).page(cursor, limit)


@router.get(
    "/models/{model_id}",
    operation_id="getModel",
    summary="Get one model",
    responses=problem_responses("model_not_found", "invalid_request"),
)
async def get_model(platform: PlatformDep, backends: BackendsDep, model_id: ModelId) -> Model:
    """What a model can do and where it comes from."""
    told = await asked_about(backends, [model_id])
    async with platform.work(write=False) as work:
        return await Models(work, told).get(model_id)


@router.delete(
    "/models/{model_id}",
    operation_id="deleteModel",
    summary="Delete a tuned model",
    status_code=204,
    responses=problem_responses("model_not_found", "invalid_request"),
)
async def delete_model(
    models: Writing,
    model_id: Annotated[
        str,
        Path(
            max_length=100,
            description="A tuned model's id.",
            examples=["mdl_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"],
        ),
    ],
) -> None:
    """Remove a tuned model and the aliases that point to it."""
    await models.delete(model_id)


@router.get(
    "/model-aliases",
    operation_id="listModelAliases",
    summary="List aliases",
)
async def list_aliases(models: Reading) -> Page[ModelAlias]:
    """All aliases, by name."""
    return Page(items=await models.aliases(), next_cursor=None)


@router.put(
    "/model-aliases/{name}",
    operation_id="putModelAlias",
    summary="Point an alias to a model",
    responses=problem_responses(
        "malformed_request", "model_not_found", "body_too_large", "invalid_request"
    ),
)
async def put_alias(
    platform: PlatformDep, backends: BackendsDep, name: AliasName, request: AliasRequest
) -> ModelAlias:
    """Create an alias, or move it to another model: callers of the alias need not change."""
    told = await asked_about(backends, [request.model])
    async with platform.work(write=True) as work:
        return await Models(work, told).put_alias(name, request.model)


@router.delete(
    "/model-aliases/{name}",
    operation_id="deleteModelAlias",
    summary="Remove an alias",
    status_code=204,
    responses=problem_responses("not_found", "invalid_request"),
)
async def delete_alias(models: Writing, name: AliasName) -> None:
    """Remove an alias; the model it points to stays."""
    await models.delete_alias(name)


@router.get(
    "/backends",
    operation_id="listBackends",
    summary="List backends and their hyperparameters",
)
async def list_backends(platform: PlatformDep, backends: BackendsDep) -> BackendList:
    """Where models are trained and run; hyperparameters as JSON Schema."""
    told = await asked(backends)
    async with platform.work(write=False) as work:
        return BackendList(items=await Models(work, told).backends())
