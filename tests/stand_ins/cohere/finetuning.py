"""`/v1/finetuning/finetuned-models`: the seven operations."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.stand_ins.cohere.replies import error, page
from tests.stand_ins.cohere.state import FineTune, State, now

_PATH = "/v1/finetuning/finetuned-models"
_DEFAULT_PAGE = 50
_RANGES = {
    "train_epochs": (1, 10),
    "learning_rate": (0.00005, 0.1),
    "train_batch_size": (2, 16),
    "early_stopping_threshold": (0.001, 0.1),
    "early_stopping_patience": (0, 10),
}


def routes(state: State) -> list[Route]:
    """The routes."""

    async def serve(request: Request) -> JSONResponse:
        if not state.fine_tuning_offered:
            return error(404, "Fine-tuning was removed on September 15 2025.")
        if "id" not in request.path_params:
            if request.method == "POST":
                return _create(state, await request.json())
            return _list(state, request)
        tune = state.fine_tunes.get(request.path_params["id"])
        if tune is None or (tune.deleted and not state.deleted_are_listed):
            return error(404, "finetuned model not found")
        if request.method == "DELETE":
            tune.deleted = True
            return JSONResponse({})
        if request.method == "PATCH":
            tune.request |= await request.json()
        else:
            tune.looks += 1
        return JSONResponse({"finetuned_model": _shown(state, tune)})

    async def series(request: Request) -> JSONResponse:
        tune = state.fine_tunes.get(request.path_params["id"])
        if tune is None or not state.fine_tuning_offered:
            return error(404, "finetuned model not found")
        state.training(tune)
        what = request.path_params["what"]
        if what == "training-step-metrics":
            shown, token = _page(state, request, _metrics(state, tune))
            return JSONResponse({"step_metrics": shown, "next_page_token": token})
        if what == "events":
            newest_first = "desc" in request.query_params.get("order_by", "desc")
            events = tune.events[::-1] if newest_first else tune.events
            shown, token = _page(state, request, events)
            total = {"total_size": len(events)}
            return JSONResponse({"events": shown, "next_page_token": token, **total})
        return error(404, "the requested resource was not found")

    return [
        Route(_PATH, serve, methods=["GET", "POST"]),
        Route(_PATH + "/{id}", serve, methods=["GET", "PATCH", "DELETE"]),
        Route(_PATH + "/{id}/{what}", series),
    ]


def _create(state: State, body: dict[str, Any]) -> JSONResponse:
    settings = body.get("settings", {})
    dataset = state.datasets.get(settings.get("dataset_id", ""))
    if not body.get("name") or "base_type" not in settings.get("base_model", {}):
        return error(400, "invalid request: name and settings.base_model are required")
    if dataset is None:
        return error(400, "invalid request: dataset not found")
    if state.validation(dataset) != "validated":
        return error(400, "invalid request: dataset is not validated")
    for key, value in (settings.get("hyperparameters") or {}).items():
        least, most = _RANGES.get(key, (None, None))
        if least is not None and most is not None and not least <= value <= most:
            return error(400, f"invalid request: {key} must be between {least} and {most}")
    tune = FineTune(request=body, knowledge=dataset.knowledge, fails=state.fine_tunes_fail)
    state.fine_tunes[tune.id] = tune
    return JSONResponse({"finetuned_model": _shown(state, tune)})


def _list(state: State, request: Request) -> JSONResponse:
    order = request.query_params.get("order_by", "created_at")
    tunes = [t for t in state.fine_tunes.values() if state.deleted_are_listed or not t.deleted]
    if order.endswith("desc"):
        tunes.reverse()
    shown, token = _page(state, request, [_shown(state, tune) for tune in tunes])
    total = {"total_size": len(tunes)}
    return JSONResponse({"finetuned_models": shown, "next_page_token": token, **total})


def _page(
    state: State, request: Request, items: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], str]:
    shown, token = page(request, items, default=_DEFAULT_PAGE, largest=state.largest_page)
    return list(shown), token


def _shown(state: State, tune: FineTune) -> dict[str, Any]:
    status = state.training(tune)
    read_only = {
        "id": tune.id,
        "creator_id": "user",
        "organization_id": "organization",
        "status": status,
        "created_at": tune.created_at,
        "updated_at": now(),
    }
    ended = {"completed_at": now()} if status in ("STATUS_READY", "STATUS_FAILED") else {}
    return {**tune.request, **read_only, **ended}


def _metrics(state: State, tune: FineTune) -> list[dict[str, Any]]:
    """Losses that fall; they are there from the moment it trains."""
    if tune.reached < 1:
        return []
    return [
        {
            "created_at": now(),
            **({"step_number": step} if step else {}),
            "metrics": {
                "accuracy": round(1 - 0.5 / (step + 1), 4),
                "cross_entropy": round(2.0 / (step + 1), 4),
                "generation_accuracy": round(1 - 0.6 / (step + 1), 4),
                "generation_cross_entropy": round(2.5 / (step + 1), 4),
                "step": float(step),
            },
        }
        for step in range(state.steps_measured)
    ]
