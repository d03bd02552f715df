"""`/v2/chat`, streamed and whole; `/v1/chat` and `/v1/tokenize` as far as they go."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.stand_ins.cohere.mind import Knowledge, as_json, asked_for, listed, task_of
from tests.stand_ins.cohere.replies import error
from tests.stand_ins.cohere.state import State

_CHARACTERS_PER_TOKEN = 4
_BASE = Knowledge()
_THINKING = {"type": "thinking", "thinking": "Names of diseases end in certain ways."}
_FORBIDDEN = {
    *("allOf", "oneOf", "not", "minimum", "maximum", "minItems", "maxItems"),
    *("minLength", "maxLength", "uniqueItems"),
}
_SCHEMA = "invalid request: response_format validation: "


class Server(Protocol):
    """What is needed of the server."""

    state: State
    latency: float
    reply: Callable[[str, str], str] | None
    schema_key: Literal["json_schema", "schema", "both"]


@dataclass(frozen=True)
class _Said:
    text: str
    finish_reason: str
    input_tokens: int
    output_tokens: int

    @property
    def usage(self) -> dict[str, Any]:
        counts = {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens}
        return {"billed_units": counts, "tokens": counts}


class RefusalError(Exception):
    """A chat is refused."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def routes(server: Server) -> list[Route]:
    """The routes."""

    async def chat(request: Request) -> Response:
        try:
            body = json.loads(await request.body())
            said = _say(server, body)
        except RefusalError as refused:
            return error(refused.status, refused.message)
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            return error(400, f"invalid request: {type(problem).__name__}")
        if server.latency:
            await asyncio.sleep(server.latency)
        if body.get("stream"):
            return StreamingResponse(_events(said), media_type="text/event-stream")
        return JSONResponse(_whole(said, body["model"]))

    async def chat_v1(request: Request) -> JSONResponse:
        body = await request.json()
        model = body.get("model", "command-r-08-2024")
        if model.startswith("command-a"):
            message = "this model is not supported with '/v1/chat', please use '/v2/chat' instead"
            return error(400, f"invalid request: {message}")
        turns = [("system", body.get("preamble") or ""), ("user", body["message"])]
        messages = [{"role": role, "content": content} for role, content in turns if content]
        try:
            said = _say(server, {"model": model, "messages": messages})
        except RefusalError as refused:
            return error(refused.status, refused.message)
        identifiers = {"response_id": str(uuid4()), "generation_id": str(uuid4())}
        meta = {"api_version": {"version": "1"}, **said.usage}
        answer = {"text": said.text, "finish_reason": "COMPLETE", "meta": meta}
        return JSONResponse({**identifiers, **answer})

    async def tokenize(request: Request) -> JSONResponse:
        words = (await request.json())["text"].split()
        return JSONResponse({"tokens": list(range(len(words))), "token_strings": words})

    return [
        Route("/v2/chat", chat, methods=["POST"]),
        Route("/v1/chat", chat_v1, methods=["POST"]),
        Route("/v1/tokenize", tokenize, methods=["POST"]),
    ]


def answer(server: Server, body: Mapping[str, Any]) -> dict[str, Any]:
    """The whole answer to a chat. Raises RefusalError."""
    return _whole(_say(server, body), body["model"])


def _whole(said: _Said, model: str) -> dict[str, Any]:
    content: list[dict[str, str]] = [{"type": "text", "text": said.text}]
    if "reasoning" in model:
        content.insert(0, _THINKING)
    return {
        "id": str(uuid4()),
        "finish_reason": said.finish_reason,
        "message": {"role": "assistant", "content": content},
        "usage": said.usage,
    }


def _say(server: Server, body: Mapping[str, Any]) -> _Said:
    """The answer to a chat's last user turn. Raises RefusalError."""
    model = body["model"]
    knowledge = _knowledge(server.state, model)
    by_role = {turn["role"]: _text(turn["content"]) for turn in body["messages"]}
    if not by_role.keys() <= {"system", "user", "assistant", "tool"}:
        raise RefusalError(400, "invalid request: messages: unknown role")
    system, user = by_role.get("system", ""), by_role["user"]
    wants_json, schema = _schema(server, body.get("response_format"))
    if server.reply is not None:
        text = server.reply(system, user)
    else:
        asked = asked_for(system, user)
        task = task_of(schema) or (asked and asked[0])
        if task is None:
            text = "{}" if wants_json else "I am a stand-in."
        else:
            found = knowledge.find(task, asked[1] if asked else user)
            text = as_json(schema, task, found) if wants_json else listed(task, found)
    tokens = -(-len(text) // _CHARACTERS_PER_TOKEN)
    limit = body.get("max_tokens") or tokens
    return _Said(
        text[: limit * _CHARACTERS_PER_TOKEN],
        "MAX_TOKENS" if tokens > limit else "COMPLETE",
        -(-(len(system) + len(user)) // _CHARACTERS_PER_TOKEN),
        min(tokens, limit),
    )


def _knowledge(state: State, model: str) -> Knowledge:
    if model in state.retired:
        raise RefusalError(404, state.retired[model])
    if any(known.name == model and "chat" in known.endpoints for known in state.models):
        return _BASE
    tune = state.ready(model)
    if tune is None:
        raise RefusalError(
            404,
            f"model '{model}' not found, make sure the correct model ID was used and that you "
            "have access to the model.",
        )
    return tune.knowledge


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    assert isinstance(content, list)
    return "".join(item.get("text", "") for item in content)


def _schema(server: Server, wanted: Mapping[str, Any] | None) -> tuple[bool, Any]:
    """Whether JSON is wanted, and after which schema."""
    if wanted is None or wanted.get("type") == "text":
        return False, None
    if wanted.get("type") != "json_object":
        raise RefusalError(400, _SCHEMA + "invalid 'type' provided")
    for key in ("json_schema", "schema"):
        if key in wanted and server.schema_key not in (key, "both"):
            raise RefusalError(400, f"invalid request: response_format: unknown field '{key}'")
    schema = wanted.get("json_schema", wanted.get("schema"))
    if schema is not None:
        _check(schema)
        if schema["type"] != "object":
            raise RefusalError(400, _SCHEMA + "the top level of the schema must be an object")
    return True, schema


def _check(schema: Mapping[str, Any]) -> None:
    """What Cohere's structured outputs do not take. Raises RefusalError."""
    problem = _SCHEMA + "invalid 'json_schema' provided: "
    if not {"type", "$ref", "anyOf", "enum", "const"} & schema.keys():
        raise RefusalError(400, problem + "missing required field 'type'")
    if unknown := _FORBIDDEN & schema.keys():
        raise RefusalError(400, problem + f"unsupported keyword '{min(unknown)}'")
    if schema.get("type") == "object" and not schema.get("required"):
        raise RefusalError(400, problem + "an object needs at least one required field")
    for inner in schema.get("properties", {}).values():
        _check(inner)
    if "items" in schema:
        _check(schema["items"])


async def _events(said: _Said) -> AsyncIterator[str]:
    """The answer as server-sent events, a line of it at a time."""
    start = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": []}
    yield _event("message-start", id=str(uuid4()), delta={"message": start})
    text = {"type": "text", "text": ""}
    yield _event("content-start", index=0, delta={"message": {"content": text}})
    for piece in said.text.splitlines(keepends=True):
        delta = {"message": {"content": {"text": piece}}}
        yield _event("content-delta", index=0, delta=delta)
        await asyncio.sleep(0)
    yield _event("content-end", index=0)
    end = {"finish_reason": said.finish_reason, "usage": said.usage}
    yield _event("message-end", delta=end)


def _event(kind: str, **fields: object) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n"
