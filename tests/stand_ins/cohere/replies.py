"""Answers as Cohere writes them, and how lists are paged."""

from collections.abc import Sequence
from typing import TypeVar
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse

Item = TypeVar("Item")


def error(status: int, message: str) -> JSONResponse:
    """`{"id", "message"}` and a status."""
    return JSONResponse({"id": str(uuid4()), "message": message}, status)


def page(
    request: Request, items: Sequence[Item], *, default: int, largest: int
) -> tuple[Sequence[Item], str]:
    """The page asked for with `page_size` and `page_token`, and the next token ("" at the end)."""
    size = min(int(request.query_params.get("page_size") or 0) or default, largest)
    start = int(request.query_params.get("page_token") or 0)
    end = start + size
    return items[start:end], str(end) if end < len(items) else ""
