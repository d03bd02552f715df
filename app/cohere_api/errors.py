"""Errors as Cohere's API writes them: `{"id": uuid, "message": "..."}` and a status.

Statuses are Cohere's: 400 for whatever is wrong with a request, 404 for what is not there. The
message never repeats what was sent.
"""

from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from app.backends.base import BackendError
from app.backends.registry import as_api_error
from app.platform.errors import ApiError
from app.platform.problem_json import field_errors


class CohereError(Exception):
    """What a client of Cohere's API is told."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


# Ours that have another status there; a retired model is not found, as Cohere has it.
_STATUSES = {409: 400, 410: 404, 413: 413, 415: 400, 422: 400}


def render(error: CohereError) -> JSONResponse:
    """The error as an answer."""
    return JSONResponse({"id": str(uuid4()), "message": error.message}, status_code=error.status)


def translated(error: ApiError) -> CohereError:
    """One of our errors in Cohere's terms."""
    faults = "; ".join(f"{fault.pointer}: {fault.detail}" for fault in error.errors)
    said = f"{error.detail} {faults}".strip()
    hint = "" if error.hint in said else f" {error.hint}"
    status = error.meaning.status
    return CohereError(_STATUSES.get(status, status), said + hint)


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
        faults = (f"{fault.pointer}: {fault.detail}" for fault in field_errors(error.errors()))
        return render(CohereError(400, "invalid request: " + "; ".join(faults)))

    async def http_error(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return render(CohereError(error.status_code, error.detail))

    app.add_exception_handler(CohereError, cohere_error)
    app.add_exception_handler(ApiError, api_error)
    app.add_exception_handler(BackendError, backend_error)
    app.add_exception_handler(RequestValidationError, validation_error)
    app.add_exception_handler(HTTPException, http_error)
