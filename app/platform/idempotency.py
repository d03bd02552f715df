"""`Idempotency-Key`: a creating request repeated with the same key gives the same answer.

The answer is stored in the transaction of its effect, so either both are there or neither. The
same key with another request is refused (409 `idempotency_key_reused`).
"""

import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Header
from pydantic import BaseModel
from sqlalchemy import delete, select
from starlette.responses import JSONResponse

from app.platform.clock import now
from app.platform.errors import ApiError
from app.platform.work import Work
from app.tables import IdempotencyKeyRow

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        description="Repeat a request safely: with the same key and body it gives the same answer.",
        examples=["7f6a1c9e-5d2b-4f0e-9a53-1f4f4f2c9a11"],
    ),
]


# Held by who removes what others may be removing, too: in another order they would wait for ever.
FORGETTING = "forget old answers"


async def forget_answers(work: Work, resource_id: str) -> None:
    """Forget the answers that a resource was created with, for there was a secret in them."""
    await work.session.execute(
        delete(IdempotencyKeyRow).where(IdempotencyKeyRow.location.endswith(f"/{resource_id}"))
    )


def fingerprint(request: Any) -> str:
    """The sha256 of a request, as anything that JSON can hold."""
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


async def created(
    work: Work,
    scope: str,
    key: str | None,
    asked: str,
    status_code: int,
    create: Callable[[], Awaitable[tuple[str, BaseModel]]],
) -> JSONResponse:
    """The answer of a creating request: made by `create` (location, body), or given again.

    `asked` is the request's fingerprint.
    """
    if key is not None:
        await work.one_at_a_time(f"{scope} {key}")
        row = await work.session.scalar(
            select(IdempotencyKeyRow).where(
                IdempotencyKeyRow.scope == scope, IdempotencyKeyRow.key == key
            )
        )
        if row is not None:
            if row.fingerprint != asked:
                raise ApiError("idempotency_key_reused", "This key belongs to another request.")
            return _response(row.status_code, row.location, row.body, replayed=True)
    location, body = await create()
    content = body.model_dump(mode="json")
    if key is not None:
        work.session.add(
            IdempotencyKeyRow(
                scope=scope,
                key=key,
                fingerprint=asked,
                status_code=status_code,
                location=location,
                body=content,
                created_at=now(),
            )
        )
    return _response(status_code, location, content, replayed=False)


def _response(
    status_code: int, location: str | None, body: dict[str, Any], *, replayed: bool
) -> JSONResponse:
    headers = {"Location": location} if location else {}
    if replayed:
        headers["Idempotency-Replayed"] = "true"
    return JSONResponse(body, status_code=status_code, headers=headers)
