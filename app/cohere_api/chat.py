"""`/v2/chat`."""

from collections.abc import Iterator
from typing import Annotated, Literal
from uuid import uuid4

from fastapi import APIRouter, Response
from pydantic import BaseModel, BeforeValidator, FailFast, Field
from starlette.responses import JSONResponse

from app.cohere_api.answering import Answer, answer
from app.cohere_api.calls import CallDep
from app.cohere_api.errors import CohereError
from app.cohere_api.fields import ChatOptions, unsupported
from app.cohere_api.streaming import Event, event_stream
from app.prompts.render import GAP

router = APIRouter()


class ContentItem(BaseModel):
    """A part of a message."""

    type: str
    text: str | None = None


def _as_items(content: object) -> object:
    if content is None:
        return []
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


class ChatMessage(BaseModel):
    """A turn of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    content: Annotated[list[ContentItem], FailFast(), BeforeValidator(_as_items)] = []

    @property
    def text(self) -> str:
        """What the turn says; its parts have a blank line between them."""
        if any(item.type != "text" for item in self.content):
            raise unsupported("content that is not text is")
        return GAP.join(item.text or "" for item in self.content)


class ChatRequest(ChatOptions):
    """What we read of a chat request."""

    messages: Annotated[list[ChatMessage], FailFast(), Field(min_length=1)]


@router.post("/v2/chat", operation_id="cohereChatV2")
async def chat(call: CallDep) -> Response:
    """Answer the last turn of a chat, which must be the user's."""
    if (forwarded := await call.forwarded("v2/chat")) is not None:
        return forwarded
    request = call.read(ChatRequest)
    cut = request.cut()
    said = await answer(call, _readings(request.messages), cut, request.temperature)
    if request.stream:
        return event_stream(_events(said))
    return JSONResponse(
        {
            "id": str(uuid4()),
            "finish_reason": said.finish_reason,
            "message": {"role": "assistant", "content": [{"type": "text", "text": said.text}]},
            "usage": said.usage(),
        }
    )


def _readings(messages: list[ChatMessage]) -> list[str]:
    """What the last turn asks for: by itself, or together with the last system message."""
    *before, last = messages
    if last.role != "user":
        raise CohereError(400, "invalid request: the last message must be the user's")
    systems = [message.text for message in before if message.role == "system"]
    return [last.text, *(f"{system}{GAP}{last.text}" for system in systems[-1:])]


def _events(said: Answer) -> Iterator[Event]:
    empty = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    yield {"type": "message-start", "id": str(uuid4()), "delta": {"message": empty}}
    start = {"content": {"type": "text", "text": ""}}
    yield {"type": "content-start", "index": 0, "delta": {"message": start}}
    for piece in said.pieces():
        delta = {"message": {"content": {"text": piece}}}
        yield {"type": "content-delta", "index": 0, "delta": delta}
    yield {"type": "content-end", "index": 0}
    end = {"finish_reason": said.finish_reason, "usage": said.usage()}
    yield {"type": "message-end", "delta": end}
