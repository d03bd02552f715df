"""Answers as streams: server-sent events in version 2, a JSON object a line in version 1.

Everything is ASCII: the SDK ends a line wherever Unicode allows it.
"""

import json
from collections.abc import AsyncIterator, Iterable

from starlette.responses import StreamingResponse

Event = dict[str, object]


def event_stream(events: Iterable[Event]) -> StreamingResponse:
    """Server-sent events, each named by its `type`."""

    async def frames() -> AsyncIterator[str]:
        for event in events:
            yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
        yield "data: [DONE]\n\n"

    return StreamingResponse(frames(), media_type="text/event-stream")


def json_lines(events: Iterable[Event]) -> StreamingResponse:
    """One event a line."""

    async def lines() -> AsyncIterator[str]:
        for event in events:
            yield json.dumps(event) + "\n"

    return StreamingResponse(lines(), media_type="application/stream+json")
