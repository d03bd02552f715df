"""Errors as Cohere's API writes them: `{"id": uuid, "message": "..."}` and a status.

Statuses are Cohere's: 400 for whatever is wrong with a request, 404 for what is not there. The
message never repeats what was sent, but for a model's name that looks like one.
"""

import re
from collections.abc import Sequence
from math import ceil
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from app.backends.base import BackendError
from app.backends.registry import as_api_error
from app.platform.database import AWAY, REFUSALS, away, refusal
from app.platform.errors import ApiError, FieldError
from app.platform.problem_json import field_errors

_NAME_LIKE = re.compile(r"[A-Za-z0-9:._/-]{1,100}")
_MESSAGES = {
    400: "invalid request: the body could not be read",
    404: "this path is not served here; docs/migrating-from-cohere.md lists what is",
    405: "method not allowed",
    413: "request body too large",
}
# Ours that have another status there: a retired model is not found, as Cohere has it, and what
# our side cannot do is no failure, since the SDK repeats those.
_STATUSES = {409: 400, 410: 404, 415: 400, 422: 400, 501: 400}


class CohereError(Exception):
    """What a client of Cohere's API is told; `retry_after` is in seconds."""

    def __init__(self, status: int, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after = retry_after


def render(error: CohereError, headers: dict[str, str] | None = None) -> JSONResponse:
    """The error as an answer."""
    body = {"id": str(uuid4()), "message": error.message}
    if error.retry_after is not None:
        headers = (headers or {}) | {"Retry-After": str(ceil(error.retry_after))}
    return JSONResponse(body, status_code=error.status, headers=headers)


def translated(error: ApiError) -> CohereError:
    """One of our errors in Cohere's terms; a hint that any error of its code has is about `/v1`."""
    detail = "" if any(f.detail == error.detail for f in error.errors) else error.detail
    hint = "" if error.hint == error.meaning.hint else error.hint
    said = " ".join(filter(None, (detail, _faults(error.errors), hint)))
    status = error.meaning.status
    return CohereError(_STATUSES.get(status, status), said, retry_after=error.retry_after)


def unknown_model(name: str) -> CohereError:
    """The error for a name that is no model's, in Cohere's words."""
    shown = f"model '{name}'" if _NAME_LIKE.fullmatch(name) else "model"
    return CohereError(
        404,
        f"{shown} not found, make sure the correct model ID was used and that you have access to "
        "the model.",
    )


def invalid_request(error: ValidationError | RequestValidationError) -> CohereError:
    """The error for a request that its schema refuses; no value is repeated."""
    if isinstance(error, ValidationError):
        found = error.errors(include_url=False, include_context=False, include_input=False)
        faults = field_errors([dict(fault) for fault in found])
    else:
        faults = field_errors(error.errors())
    return CohereError(400, f"invalid request: {_faults(faults)}")


def _faults(faults: Sequence[FieldError]) -> str:
    return "; ".join(f"{f.pointer}: {f.detail}" if f.pointer else f.detail for f in faults)


def install(app: FastAPI) -> None:
    """Make every error of `app` one of Cohere's."""

    async def cohere_error(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, CohereError)
        return render(error)

    async def api_error(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ApiError)
        return render(translated(error))

    async def backend_error(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, BackendError)
        return render(translated(as_api_error(error)))

    async def validation_error(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return render(invalid_request(error))

    async def http_error(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        message = _MESSAGES.get(error.status_code, error.detail)
        headers = dict(error.headers) if error.headers else None
        return render(CohereError(error.status_code, message), headers)

    async def database_refusal(_request: Request, error: Exception) -> JSONResponse:
        return render(translated(refusal(error)))

    async def database_away(_request: Request, error: Exception) -> JSONResponse:
        return render(translated(away(error)))

    async def broken(_request: Request, _error: Exception) -> JSONResponse:
        # Starlette raises the error again once this is sent: the request context logs it.
        return render(CohereError(500, "internal server error"))

    app.add_exception_handler(CohereError, cohere_error)
    app.add_exception_handler(ApiError, api_error)
    app.add_exception_handler(BackendError, backend_error)
    app.add_exception_handler(RequestValidationError, validation_error)
    app.add_exception_handler(HTTPException, http_error)
    for refused in REFUSALS:
        app.add_exception_handler(refused, database_refusal)
    for gone in AWAY:
        app.add_exception_handler(gone, database_away)
    app.add_exception_handler(Exception, broken)
