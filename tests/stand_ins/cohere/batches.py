"""`/v2/batches`: chats from a dataset, their answers in another one; and the files of that.

What is done once a batch is looked at and complete. The rows follow what others saw of Cohere's
service: a column for the id, one for the answer, one for the error; in no order.
"""

import io
import json
from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol

import fastavro
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.stand_ins.cohere.chat import RefusalError, answer
from tests.stand_ins.cohere.replies import error, page
from tests.stand_ins.cohere.state import BATCH, Batch, Dataset, State

BATCH_INPUT = "batch-chat-v2-input"
FILES = "/store/"
_ENDS = frozenset({BATCH[-1], "BATCH_STATUS_FAILED"})
_FIELDS = frozenset({"messages", "temperature", "max_tokens", "response_format"})
_ROW = fastavro.parse_schema(
    {
        "type": "record",
        "name": "row",
        "fields": [
            {"name": "custom_id", "type": "string"},
            {"name": "error", "type": ["null", "string"]},
            # The answer's own fields are many; a string of JSON holds them all the same.
            {"name": "body", "type": ["null", "string"]},
        ],
    }
)


class Server(Protocol):
    """What is needed of the server."""

    url: str
    state: State
    latency: float
    reply: Callable[[str, str], str] | None
    schema_key: Literal["json_schema", "schema", "both"]


def batch_problems(state: State, data: bytes) -> list[str]:
    """What validation says of the rows of a batch."""
    problems, ids = [], set()
    for number, line in enumerate(data.splitlines(), start=1):
        row = json.loads(line)
        fields = row["body"].keys()
        if row["custom_id"] in ids:
            problems.append(f"custom_id of row {number} is not unique")
        ids.add(row["custom_id"])
        unknown = fields - (_FIELDS if state.batches_take_schema else _FIELDS - {"response_format"})
        if unknown:
            problems.append(f"unknown field {min(unknown)} in row {number}")
        if not all(isinstance(turn["content"], list) for turn in row["body"]["messages"]):
            problems.append(f"content is no list in row {number}")
    return problems if ids else ["no rows"]


def routes(server: Server) -> list[Route]:
    """The routes; 404 where batches are not offered."""
    state = server.state

    async def create(request: Request) -> JSONResponse:
        body = await request.json()
        dataset = state.datasets.get(body["input_dataset_id"])
        if dataset is None or state.validation(dataset) != "validated":
            return error(400, "invalid request: input dataset not found, or not validated")
        if not any(model.name == body["model"] for model in state.models) and not state.ready(
            body["model"]
        ):
            return error(400, f"invalid request: model '{body['model']}' does not take batches")
        batch = Batch(request=body)
        state.batches[batch.id] = batch
        return JSONResponse({"batch": _shown(server, batch)})

    async def list_all(request: Request) -> JSONResponse:
        found = list(reversed(state.batches.values()))
        shown, token = page(request, found, default=50, largest=state.largest_page)
        body: dict[str, object] = {"batches": [_shown(server, batch) for batch in shown]}
        return JSONResponse({**body, "next_page_token": token} if token else body)

    async def get(request: Request) -> JSONResponse:
        batch = state.batches.get(request.path_params["id"])
        if batch is None:
            return error(404, "batch not found")
        batch.looks += 1
        return JSONResponse({"batch": _shown(server, batch)})

    async def cancel(request: Request) -> JSONResponse:
        batch = state.batches.get(request.path_params["id"])
        if batch is None:
            return error(404, "batch not found")
        if _status(server, batch) not in BATCH[:2]:
            return error(400, "invalid request: the batch is over")
        batch.cancelled = True
        return JSONResponse({})

    async def file(request: Request) -> Response:
        data = state.files.get(request.path_params["name"])
        if data is None:
            return Response("<Error>NoSuchKey</Error>", 404)
        return Response(data, media_type="application/octet-stream")

    def offered(endpoint: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def if_offered(request: Request) -> Response:
            if not state.batches_offered:
                return error(404, "the requested resource was not found")
            response: Response = await endpoint(request)
            return response

        return if_offered

    return [
        Route("/v2/batches", offered(create), methods=["POST"]),
        Route("/v2/batches", offered(list_all)),
        Route("/v2/batches/{id}:cancel", offered(cancel), methods=["POST"]),
        Route("/v2/batches/{id}", offered(get)),
        Route(FILES + "{name}", file),
    ]


def _status(server: Server, batch: Batch) -> str:
    """Where the batch stands; its answers are made when it is first seen complete."""
    state = server.state
    if batch.cancelled:
        return state.batch_cancelled
    steps = batch.steps(state.looks_a_step, state.seconds_a_step)
    status = BATCH[min(steps, len(BATCH) - 1)]
    if state.stop_batch_at is not None:
        status = min(status, state.stop_batch_at, key=BATCH.index)
    if status == BATCH[-1] and state.batches_fail:
        return "BATCH_STATUS_FAILED"
    if status == BATCH[-1] and batch.output_id is None:
        batch.output_id = _done(server, batch)
    return status


def _shown(server: Server, batch: Batch) -> dict[str, Any]:
    status = _status(server, batch)
    return {
        **batch.request,
        "id": batch.id,
        "status": status,
        "created_at": batch.created_at,
        "updated_at": batch.created_at,
        "output_dataset_id": batch.output_id or "",
        "num_failed_records": batch.failed,
        "status_reason": "internal error" if status in _ENDS - {BATCH[-1]} else "",
    }


def _done(server: Server, batch: Batch) -> str:
    """The id of the dataset with the answers."""
    state = server.state
    source = state.datasets.get(batch.request["input_dataset_id"])
    rows = [
        _row(server, json.loads(line), batch.request["model"])
        for line in (source.data if source else b"").splitlines()
    ]
    rows.reverse()
    if state.batch_edits is not None:
        rows = state.batch_edits(rows)
    batch.failed = sum(bool(row["error"]) for row in rows)
    output = Dataset(name=f"{batch.name}-output", type="batch-chat-v2-output")
    half = -(-len(rows) // 2)
    parts = []
    for index, part in enumerate((rows[:half], rows[half:])):
        file = io.BytesIO()
        fastavro.writer(file, _ROW, part, codec="deflate")
        name = f"{output.id}-{index}.avro"
        state.files[name] = file.getvalue()
        parts.append({"id": name, "name": name, "url": f"{server.url}{FILES}{name}?signature=x"})
    output.parts = parts
    state.datasets[output.id] = output
    return output.id


def _row(server: Server, row: Mapping[str, Any], model: str) -> dict[str, Any]:
    try:
        body = answer(server, {**row["body"], "model": model})
    except RefusalError as refused:
        return {"custom_id": row["custom_id"], "error": refused.message, "body": None}
    return {"custom_id": row["custom_id"], "error": "", "body": json.dumps(body)}
