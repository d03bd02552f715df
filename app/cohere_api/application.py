"""Cohere's API as an application of its own, to be mounted under `/cohere`.

Its paths, shapes and errors are Cohere's, so that the official SDK works against it; what it does
is done by the services of the rooms. It is not in our OpenAPI file: Cohere documents it.
"""

from fastapi import FastAPI

from app.backends.registry import Backends
from app.cohere_api import (
    chat,
    chat_v1,
    datasets,
    errors,
    finetuning,
    generate,
    keys,
    models,
    tokens,
)
from app.platform.lineage import Lineage
from app.platform.requests import FASTAPI_TELLS_NOTHING
from app.platform.work import Platform


def create_cohere_api(platform: Platform, backends: Backends, lineage: Lineage) -> FastAPI:
    """The application; it has no lifespan of its own."""
    api = FastAPI(
        title="Cohere's API",
        telemetry=FASTAPI_TELLS_NOTHING,
        openapi_url=None,
        redirect_slashes=False,
    )
    api.state.platform = platform
    api.state.backends = backends
    api.state.lineage = lineage
    for room in (chat, chat_v1, generate, models, tokens, keys, datasets, finetuning):
        api.include_router(room.router)
    errors.install(api)
    return api
