"""`/v1/generate`, the call that Cohere itself serves no more."""

from collections.abc import Iterator
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from app.cohere_api.answering import Answer, answer
from app.cohere_api.calls import CallDep
from app.cohere_api.cutting import Cut
from app.cohere_api.fields import MaxTokens, Sequences, Temperature
from app.cohere_api.streaming import Event, json_lines

router = APIRouter()


class GenerateRequest(BaseModel):
    """What we read of a request to generate."""

    prompt: str
    stream: bool = False
    num_generations: Annotated[int | None, Field(ge=1, le=5)] = None
    max_tokens: MaxTokens = None
    end_sequences: Sequences = None
    stop_sequences: Sequences = None
    temperature: Temperature = None


@router.post("/v1/generate", operation_id="cohereGenerate")
async def generate(call: CallDep) -> Response:
    """Answer a prompt; several generations are all the same, since nothing is drawn by chance."""
    if (forwarded := await call.forwarded("v1/generate")) is not None:
        return forwarded
    request = call.read(GenerateRequest)
    cut = Cut(
        request.max_tokens,
        before=request.end_sequences or (),
        after=request.stop_sequences or (),
    )
    said = await answer(call, [request.prompt], cut, request.temperature)
    generations: list[Event] = [
        {
            "id": str(uuid4()),
            "index": index,
            "text": said.text,
            "finish_reason": said.finish_reason,
        }
        for index in range(request.num_generations or 1)
    ]
    response: Event = {
        "id": str(uuid4()),
        "prompt": request.prompt,
        "generations": generations,
        "meta": said.meta(),
    }
    if request.stream:
        return json_lines(_events(said, response, len(generations)))
    return JSONResponse(response)


def _events(said: Answer, response: Event, count: int) -> Iterator[Event]:
    for index in range(count):
        for piece in said.pieces():
            yield {
                "event_type": "text-generation",
                "is_finished": False,
                "index": index,
                "text": piece,
            }
    yield {
        "event_type": "stream-end",
        "is_finished": True,
        "finish_reason": said.finish_reason,
        "response": response,
    }
