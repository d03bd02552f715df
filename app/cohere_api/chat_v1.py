"""`/v1/chat`."""

from collections.abc import Iterator
from typing import Annotated, Literal
from uuid import uuid4

from fastapi import APIRouter, Response
from pydantic import BaseModel, BeforeValidator, FailFast, Field
from starlette.responses import JSONResponse

from app.cohere_api.answering import answer
from app.cohere_api.calls import CallDep
from app.cohere_api.fields import ChatOptions
from app.cohere_api.streaming import Event, json_lines
from app.prompts.render import GAP

router = APIRouter()


def _upper(role: object) -> object:
    return role.upper() if isinstance(role, str) else role


class Turn(BaseModel):
    """A turn of the conversation so far."""

    role: Annotated[Literal["SYSTEM", "USER", "CHATBOT", "TOOL"], BeforeValidator(_upper)]
    message: str = ""


def _as_turns(turns: object) -> object:
    return [] if turns is None else turns


class ChatV1Request(ChatOptions):
    """What we read of a chat request."""

    message: str
    preamble: str | None = None
    chat_history: Annotated[list[Turn], FailFast(), BeforeValidator(_as_turns)] = Field(
        default_factory=list
    )


@router.post("/v1/chat", operation_id="cohereChatV1")
async def chat(call: CallDep) -> Response:
    """Answer a message; earlier turns do not matter to what it asks for."""
    if (forwarded := await call.forwarded("v1/chat")) is not None:
        return forwarded
    request = call.read(ChatV1Request)
    cut = request.cut()
    said = await answer(call, _readings(request), cut, request.temperature)
    generation_id = str(uuid4())
    turns = [*request.chat_history, Turn(role="USER", message=request.message)]
    turns.append(Turn(role="CHATBOT", message=said.text))
    response: Event = {
        "response_id": str(uuid4()),
        "generation_id": generation_id,
        "text": said.text,
        "chat_history": [turn.model_dump() for turn in turns],
        "finish_reason": said.finish_reason,
        "meta": said.meta(),
    }
    if request.stream:
        return json_lines(_events(generation_id, said.pieces(), response))
    return JSONResponse(response)


def _readings(request: ChatV1Request) -> list[str]:
    """What the message asks for: by itself, or together with the preamble."""
    systems = [turn.message for turn in request.chat_history if turn.role == "SYSTEM"][-1:]
    if request.preamble is not None:
        systems.insert(0, request.preamble)
    return [request.message, *(f"{system}{GAP}{request.message}" for system in systems)]


def _events(generation_id: str, pieces: Iterator[str], response: Event) -> Iterator[Event]:
    yield {"event_type": "stream-start", "is_finished": False, "generation_id": generation_id}
    for piece in pieces:
        yield {"event_type": "text-generation", "is_finished": False, "text": piece}
    yield {
        "event_type": "stream-end",
        "is_finished": True,
        "finish_reason": response["finish_reason"],
        "response": response,
    }
