"""What a model's name means to Cohere's API: our own names, and those of Cohere's servers."""

from app.backends.asked import asked_about
from app.backends.registry import FINE_TUNE, Backends, base_model_id
from app.cohere_api.errors import unknown_model
from app.cohere_api.forwarding import Forwarding
from app.models.schemas import Model
from app.models.service import Models, ResolvedModel
from app.models.service import resolve as resolve_own
from app.platform.errors import ApiError
from app.platform.work import Platform

_TUNED = "-ft"


async def resolve(platform: Platform, backends: Backends, name: str) -> ResolvedModel:
    """The model of a name: `ft_...-ft` as Cohere writes it, any name `/v1` takes, or the bare name
    of a model that a Cohere server lists.

    Raises CohereError 404, ApiError `model_not_ready`, `retired`, `capability_unavailable`.
    """
    try:
        return await resolve_own(platform, backends, _own(name))
    except ApiError as error:
        if error.code != "model_not_found":
            raise
    return await resolve_own(platform, backends, await _at_a_server(backends, name))


async def describe(platform: Platform, backends: Backends, name: str) -> Model:
    """The catalogue's entry of a model, by the same names. Raises CohereError 404."""
    try:
        return await _described(platform, backends, _own(name))
    except ApiError as error:
        if error.code != "model_not_found":
            raise
    return await _described(platform, backends, await _at_a_server(backends, name))


def cohere_name(model: Model) -> str:
    """The name Cohere's API calls a model of the catalogue by."""
    return model.id if model.fine_tune_id is None else model.fine_tune_id + _TUNED


def _own(name: str) -> str:
    # PostgreSQL refuses to look for some of these.
    if not name.isprintable():
        raise unknown_model(name)
    return name.removesuffix(_TUNED) if name.startswith(FINE_TUNE) else name


async def _described(platform: Platform, backends: Backends, name: str) -> Model:
    told = await asked_about(backends, [name])
    async with platform.work(write=False) as work:
        models = Models(work, told)
        if name.startswith(FINE_TUNE):
            name = (await models.resolve(name)).id
        return await models.get(name)


async def _at_a_server(backends: Backends, name: str) -> str:
    for backend_name, backend in backends:
        if backend.configured and isinstance(backend, Forwarding):
            for info in await backend.base_models():
                if info.name == name:
                    return base_model_id(backend_name, name)
    raise unknown_model(name)
