"""Extractions as they are told of: how many texts, how long, for how many tokens, why not."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, TypeVar

import httpx

from app.backends.base import Annotations, BackendError
from app.platform.telemetry import Telemetry

Answer = TypeVar("Answer", list[Annotations], list[Annotations | BackendError] | None)


async def observed(
    telemetry: Telemetry,
    backend: str,
    model: str,
    texts: Sequence[str],
    extracting: Awaitable[Answer],
    mode: Literal["call", "batch"] = "call",
) -> Answer:
    """What `Backend.extract` or `extract_batch` gives for the texts, told of. `model` is its id."""
    with telemetry.extraction(backend, mode, len(texts), model) as outcome:
        try:
            answers = await extracting
        except BackendError as error:
            outcome.failed(error.code)
            raise
        found = [each for each in answers or () if isinstance(each, Annotations)]
        spent = [
            sum(each.input_tokens for each in found),
            sum(each.output_tokens for each in found),
        ]
        telemetry.metrics.extracted(backend, len(found), *spent)
        return answers


def event_hooks(telemetry: Telemetry) -> dict[str, list[Callable[..., Any]]]:
    """Of an httpx client: each request carries the trace it belongs to."""
    if not telemetry.traces:
        return {}

    async def carry(request: httpx.Request) -> None:
        request.headers.update(telemetry.tracing.headers())

    return {"request": [carry]}
