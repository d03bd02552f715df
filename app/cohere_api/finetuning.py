"""`/v1/finetuning/finetuned-models`: train and follow models as Cohere's API does."""

from collections.abc import Sequence
from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Depends, Path, Query

from app.backends.asked import asked
from app.backends.http import BackendsDep
from app.cohere_api.finetuning_schemas import (
    Events,
    FinetunedModelRequest,
    FinetunedModels,
    ListedStepMetrics,
    OneFinetunedModel,
)
from app.cohere_api.finetuning_service import FinetunedModels as Service
from app.cohere_api.texts import Printable
from app.platform.http import LineageDep, PlatformDep, ReadWork, WriteWork
from app.platform.pagination import decode_cursor, decode_offset, encode_cursor

router = APIRouter(prefix="/v1/finetuning/finetuned-models")

Item = TypeVar("Item")
ModelId = Annotated[Printable, Path(max_length=100)]
PageSize = Annotated[int, Query(ge=0, le=1000)]
PageToken = Annotated[str, Query(max_length=500)]
Order = Annotated[Literal["created_at", "created_at asc", "created_at desc"], Query()]
_DEFAULT_SIZE = 50


async def reading(work: ReadWork, backends: BackendsDep) -> Service:
    """The service in a transaction for reading."""
    return Service(work, backends)


async def writing(work: WriteWork, backends: BackendsDep) -> Service:
    """The service in a transaction for writing."""
    return Service(work, backends)


Reading = Annotated[Service, Depends(reading)]
Writing = Annotated[Service, Depends(writing)]


@router.get("", operation_id="cohereListFinetunedModels", response_model_exclude_none=True)
async def list_finetuned_models(
    service: Reading,
    page_size: PageSize = 0,
    page_token: PageToken = "",
    order_by: Order = "created_at",
) -> FinetunedModels:
    """All fine-tunes of the service, oldest first if not asked otherwise."""
    models, more = await service.page(
        decode_cursor(page_token or None),
        page_size or _DEFAULT_SIZE,
        newest_first=order_by == "created_at desc",
    )
    return FinetunedModels(
        finetuned_models=models,
        next_page_token=encode_cursor(more) or "",
        total_size=await service.count(),
    )


@router.post("", operation_id="cohereCreateFinetunedModel", response_model_exclude_none=True)
async def create_finetuned_model(
    platform: PlatformDep,
    backends: BackendsDep,
    lineage: LineageDep,
    request: FinetunedModelRequest,
) -> OneFinetunedModel:
    """Have a model trained on a validated dataset."""
    named = (request.settings.base_model.name or "").partition(":")[0]
    told = await asked(backends, [named, platform.settings.cohere_api_backend])
    async with platform.work(write=True) as work:
        made = await Service(work, told).create(request, lineage)
    return OneFinetunedModel(finetuned_model=made)


@router.get("/{model_id}", operation_id="cohereGetFinetunedModel", response_model_exclude_none=True)
async def get_finetuned_model(service: Reading, model_id: ModelId) -> OneFinetunedModel:
    """One of them, and how it stands."""
    return OneFinetunedModel(finetuned_model=await service.get(model_id))


@router.patch(
    "/{model_id}", operation_id="cohereUpdateFinetunedModel", response_model_exclude_none=True
)
async def update_finetuned_model(
    service: Writing, model_id: ModelId, request: FinetunedModelRequest
) -> OneFinetunedModel:
    """Give it, and its model, another name; the settings must be those it has."""
    return OneFinetunedModel(finetuned_model=await service.update(model_id, request))


@router.delete("/{model_id}", operation_id="cohereDeleteFinetunedModel")
async def delete_finetuned_model(
    service: Writing, lineage: LineageDep, model_id: ModelId
) -> dict[str, object]:
    """Delete it with its model; what has not ended is cancelled."""
    await service.delete(model_id, lineage)
    return {}


@router.get("/{model_id}/events", operation_id="cohereListFinetuneEvents")
async def list_events(
    service: Reading,
    model_id: ModelId,
    page_size: PageSize = 0,
    page_token: PageToken = "",
    order_by: Order = "created_at desc",
) -> Events:
    """Its changes of status, newest first if not asked otherwise."""
    events = await service.events(model_id)
    if order_by != "created_at desc":
        events.reverse()
    chosen, following = _page(events, page_size, page_token)
    return Events(events=chosen, next_page_token=following, total_size=len(events))


@router.get(
    "/{model_id}/training-step-metrics",
    operation_id="cohereListTrainingStepMetrics",
    response_model_exclude_none=True,
)
async def list_training_step_metrics(
    service: Reading, model_id: ModelId, page_size: PageSize = 0, page_token: PageToken = ""
) -> ListedStepMetrics:
    """Its training curve, in order."""
    chosen, following = _page(await service.step_metrics(model_id), page_size, page_token)
    return ListedStepMetrics(step_metrics=chosen, next_page_token=following)


def _page(items: Sequence[Item], size: int, token: str) -> tuple[list[Item], str]:
    """A page of a short list, and the token of the next: an offset, as of all our cursors."""
    start = decode_offset(token or None)
    end = start + (size or _DEFAULT_SIZE)
    return list(items[start:end]), (encode_cursor(end) or "") if end < len(items) else ""
