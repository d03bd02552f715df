"""`/v1/models`, `/v1/check-api-key`, and the endpoints that are no more."""

from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.stand_ins.cohere.replies import error, page
from tests.stand_ins.cohere.state import Model, State

_GENERATE_REMOVED = (
    "Generate API was removed on September 15 2025. Please migrate to Chat API. See "
    "https://docs.cohere.com/docs/migrating-from-cogenerate-to-cochat for details."
)
_REMOVED = "{} API was removed on September 15 2025."


class Server(Protocol):
    """What is needed of the server."""

    state: State


def routes(server: Server) -> list[Route]:
    """The routes."""
    state = server.state

    def models() -> list[Model]:
        tuned = [
            Model(tune.model, finetuned=True)
            for tune in state.fine_tunes.values()
            if state.ready(tune.model)
        ]
        return [*state.models, *tuned]

    async def list_models(request: Request) -> JSONResponse:
        endpoint = request.query_params.get("endpoint")
        asked = [m for m in models() if endpoint is None or endpoint in m.endpoints]
        shown, token = page(request, asked, default=20, largest=state.largest_page)
        body: dict[str, object] = {"models": [model.shown() for model in shown]}
        return JSONResponse({**body, "next_page_token": token} if token else body)

    async def get_model(request: Request) -> JSONResponse:
        name = request.path_params["name"]
        for model in models():
            if model.name == name:
                return JSONResponse(model.shown())
        return error(404, state.retired.get(name, f"model '{name}' not found"))

    async def check_api_key(_request: Request) -> JSONResponse:
        return JSONResponse({"valid": True, "organization_id": "org", "owner_id": "owner"})

    def removed(message: str) -> Route:
        async def endpoint(_request: Request) -> JSONResponse:
            return error(404, message)

        path = "/v1/" + message.split()[0].lower()
        return Route(path, endpoint, methods=["POST"])

    return [
        Route("/v1/models", list_models),
        Route("/v1/models/{name:path}", get_model),
        Route("/v1/check-api-key", check_api_key, methods=["POST"]),
        removed(_GENERATE_REMOVED),
        removed(_REMOVED.format("Summarize")),
        removed(_REMOVED.format("Classify")),
    ]
