"""`/v1/datasets`: uploads, and what their validation says.

The sentences follow what is known of Cohere's: the first problem goes to `validation_error`, the
rest to `validation_warnings`.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.stand_ins.cohere.batches import BATCH_INPUT, batch_problems
from tests.stand_ins.cohere.replies import error
from tests.stand_ins.cohere.state import VALIDATION, Dataset, State

_LONGEST_NAME = 49
_DEFAULT_LIMIT = 50
_FEWEST = 2
_ROLES = {"System", "User", "Chatbot"}


def routes(state: State) -> list[Route]:
    """The routes."""

    async def create(request: Request) -> JSONResponse:
        name = request.query_params.get("name", "")
        kind = request.query_params.get("type", "")
        if not name or len(name) > _LONGEST_NAME:
            return error(400, "invalid request: name must have 1 to 49 characters")
        if not kind.endswith("-input") or (kind == BATCH_INPUT and not state.batches_offered):
            return error(400, "invalid request: unknown dataset type")
        async with request.form() as form:
            data, evaluation = form.get("data"), form.get("eval_data")
            if not isinstance(data, UploadFile):
                return error(400, "invalid request: data is required")
            dataset = Dataset(
                name=name,
                type=kind,
                data=await data.read(),
                evaluation=await evaluation.read() if isinstance(evaluation, UploadFile) else None,
                file_name=data.filename or "",
            )
        state.datasets[dataset.id] = _validated(state, dataset)
        return JSONResponse({"id": dataset.id})

    async def list_all(request: Request) -> JSONResponse:
        query = request.query_params
        found = [
            shown
            for dataset in reversed(state.datasets.values())
            if query.get("datasetType") in (None, dataset.type)
            and (shown := _shown(state, dataset))
            and query.get("validationStatus") in (None, shown["validation_status"])
        ]
        # Fractions of a page: the SDK types limit and offset as floats.
        start = int(float(query.get("offset", 0)))
        limit = min(int(float(query.get("limit", _DEFAULT_LIMIT))), state.largest_page)
        return JSONResponse({"datasets": found[start : start + limit]})

    async def get(request: Request) -> JSONResponse:
        dataset = state.datasets.get(request.path_params["id"])
        if dataset is None:
            return error(404, "dataset not found")
        dataset.looks += 1
        return JSONResponse({"dataset": _shown(state, dataset)})

    async def delete(request: Request) -> JSONResponse:
        if state.datasets.pop(request.path_params["id"], None) is None:
            return error(404, "dataset not found")
        return JSONResponse({})

    async def usage(_request: Request) -> JSONResponse:
        used = sum(len(d.data) + len(d.evaluation or b"") for d in state.datasets.values())
        return JSONResponse({"organization_usage": used})

    return [
        Route("/v1/datasets", create, methods=["POST"]),
        Route("/v1/datasets", list_all),
        Route("/v1/datasets/usage", usage),
        Route("/v1/datasets/{id}", get),
        Route("/v1/datasets/{id}", delete, methods=["DELETE"]),
    ]


def _shown(state: State, dataset: Dataset) -> dict[str, Any]:
    status = state.validation(dataset)
    shown: dict[str, Any] = {
        "id": dataset.id,
        "name": dataset.name,
        "created_at": dataset.created_at,
        "updated_at": dataset.created_at,
        "dataset_type": dataset.type,
        "validation_status": status,
        "dataset_parts": list(dataset.parts),
    }
    if status == "failed":
        shown["validation_error"] = dataset.problems[0]
    if status in ("failed", VALIDATION[-1]):
        shown["validation_warnings"] = [*dataset.problems[1:], *dataset.warnings]
        shown["metrics"] = {"finetune_dataset_metrics": dataset.metrics}
    return shown


def _validated(state: State, dataset: Dataset) -> Dataset:
    """The dataset with what validation will say of it."""
    problems: list[str] = [state.validation_error] if state.validation_error else []
    warnings = list(state.validation_warnings)
    if dataset.type == BATCH_INPUT:
        problems += batch_problems(state, dataset.data)
    if dataset.type != "chat-finetune-input":
        return replace(dataset, problems=problems, warnings=warnings)
    if not dataset.file_name.endswith(".jsonl"):
        problems.append("the file extension does not match the dataset type")
    rows = _rows(dataset.data, "train", problems)
    evaluation = None
    if dataset.evaluation is None:
        warnings.append("no evaluation data was given; 20% of the data is split off for it")
    else:
        evaluation = _rows(dataset.evaluation, "eval", problems)
    fewest = _FEWEST if evaluation is None else 1
    if len(rows) < fewest or (evaluation is not None and not evaluation):
        problems.insert(0, f"not enough valid train or eval examples: {len(rows)} valid in train")
    return replace(
        dataset,
        problems=problems,
        warnings=warnings,
        knowledge=dataset.knowledge.taught(rows),
        metrics={
            "total_examples": len(rows) + len(evaluation or ()),
            "train_examples": len(rows),
            "eval_examples": len(evaluation or ()),
        },
    )


def _rows(data: bytes, part: str, problems: list[str]) -> list[Mapping[str, Any]]:
    """The conversations of a file; what is wrong with others is added to the problems."""
    rows = []
    for number, line in enumerate(data.splitlines(), start=1):
        if problem := _problem(line):
            problems.append(f"{problem} in {part} example {number}")
        else:
            rows.append(json.loads(line))
    return rows


def _problem(line: bytes) -> str | None:
    try:
        turns = json.loads(line)["messages"]
        roles = [turn["role"] for turn in turns]
        contents = [turn["content"] for turn in turns]
    except (ValueError, KeyError, TypeError):
        return "malformed conversation"
    if not set(roles) <= _ROLES:
        return "extra speaker"
    for role in ("Chatbot", "User"):
        if role not in roles:
            return f"missing {role}"
    return None if all(isinstance(content, str) for content in contents) else "content not text"
