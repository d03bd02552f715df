"""Errors on the wire: `application/problem+json` (RFC 9457), whatever went wrong.

Validation errors name the field by JSON pointer; the value that was sent is never repeated.
"""

import re
from collections.abc import Sequence
from http import HTTPStatus
from math import ceil
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Match, Mount

from app.platform.errors import CODES, ApiError, FieldError
from app.platform.metrics import METHODS

_MOST_FAULTS = 100  # of one request that are told
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,50}")
_BY_STATUS = {
    400: "malformed_request",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "request_timeout",
    413: "body_too_large",
    415: "unsupported_media_type",
}


class FieldProblem(BaseModel):
    """One fault of a request."""

    pointer: str = Field(description="JSON pointer (RFC 6901) to the field.", examples=["/name"])
    code: str = Field(description="Stable code of the fault.", examples=["missing"])
    detail: str = Field(description="The fault in a sentence.", examples=["Field required."])


class ProblemDocument(BaseModel):
    """The body of every error."""

    type: str = Field(examples=["/docs/errors#not_found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no dataset 'ds_0'."])
    instance: str = Field(description="The request's id, as logged.", examples=["0193c0ffee"])
    code: str = Field(description="Stable; listed in docs/errors.md.", examples=["not_found"])
    hint: str = Field(description="What to do about it.", examples=["Check the path and the id."])
    errors: list[FieldProblem] | None = None


def problem_responses(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entries of the problems a call may answer with, one for each status."""
    responses: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        meaning = CODES[code]
        example = {
            "type": type_uri(code),
            "title": meaning.title,
            "status": meaning.status,
            "detail": meaning.title + ".",
            "instance": "01987e5a7c3f7d2ab8f0c1d2e3f4a5b6",
            "code": code,
            "hint": meaning.hint,
        }
        entry = responses.setdefault(
            meaning.status,
            {
                "description": HTTPStatus(meaning.status).phrase,
                "content": {
                    "application/problem+json": {
                        "schema": {"$ref": "#/components/schemas/ProblemDocument"},
                        "examples": {},
                    }
                },
            },
        )
        entry["content"]["application/problem+json"]["examples"][code] = {"value": example}
    return responses


def type_uri(code: str) -> str:
    """The URI that names a kind of problem."""
    return f"/docs/errors#{code}"


def render(
    request: Request, error: ApiError, headers: dict[str, str] | None = None
) -> JSONResponse:
    """The response for an error."""
    body: dict[str, Any] = {
        "type": type_uri(error.code),
        "title": error.meaning.title,
        "status": error.meaning.status,
        "detail": error.detail,
        "instance": getattr(request.state, "request_id", ""),
        "code": error.code,
        "hint": error.hint,
    }
    if error.errors:
        body["errors"] = [
            {"pointer": e.pointer, "code": e.code, "detail": e.detail} for e in error.errors
        ]
    if error.retry_after is not None:
        headers = (headers or {}) | {"Retry-After": str(ceil(error.retry_after))}
    return JSONResponse(
        body,
        status_code=error.meaning.status,
        headers=headers,
        media_type="application/problem+json",
    )


def _pointer(location: Sequence[str | int]) -> str:
    """JSON pointer into the body; what is not of the body is named by its place (`/query/...`)."""
    parts = [str(part).replace("~", "~0").replace("/", "~1") for part in location]
    if parts and parts[0] == "body":
        parts = parts[1:]
    return "".join(f"/{part}" for part in parts)


def field_errors(errors: Sequence[dict[str, Any]]) -> list[FieldError]:
    """Pydantic's findings without the values they were found in."""
    return [FieldError(_pointer(_told(e)), e["type"], _sentence(e)) for e in errors]


def _told(error: dict[str, Any]) -> Sequence[str | int]:
    """Where the fault is. A name that is not ours is repeated only if it looks like a name."""
    if error["type"] == "json_invalid":
        return ("body",)  # what follows there is a place in its bytes
    location = list(error["loc"])
    if error["type"] == "extra_forbidden" and not _NAME.fullmatch(str(location[-1])):
        location.pop()
    return location


def _sentence(error: dict[str, Any]) -> str:
    if error["type"] == "json_invalid":
        return "The body is not valid JSON."
    if error["type"] == "model_attributes_type" and tuple(error["loc"]) == ("body",):
        return "Send a JSON object."
    # What our own validators raise says nothing of the value; pydantic puts a prefix before it.
    message = str(error["msg"]).removeprefix("Value error, ")
    return message[:1].upper() + message[1:].rstrip(".") + "."


def of_http(error: HTTPException) -> ApiError:
    """What a client is told of an error of the framework's."""
    code = _BY_STATUS.get(error.status_code, "malformed_request")
    return ApiError(code, CODES[code].title + ".")


def _allowed(request: Request, headers: dict[str, str]) -> list[str]:
    """All methods of a path that has another one; the framework names those of its first route."""
    if "Allow" not in headers:
        return []
    routes = [route for route in request.app.routes if not isinstance(route, Mount)]

    def takes(method: str) -> bool:
        scope = {**request.scope, "method": method}
        return any(route.matches(scope)[0] is Match.FULL for route in routes)

    return [method for method in sorted(METHODS) if takes(method)]


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem document (the unexpected are the request context's)."""

    async def api_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ApiError)
        return render(request, error)

    async def validation_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        unread = any(e["type"] == "model_attributes_type" for e in error.errors())
        if unread and not kind.endswith("json"):
            detail = "Send JSON, with the header Content-Type: application/json."
            return render(request, ApiError("unsupported_media_type", detail))
        found = error.errors()
        faults = field_errors(found[:_MOST_FAULTS])
        count = "1 field is" if len(found) == 1 else f"{len(found)} fields are"
        return render(request, ApiError("invalid_request", f"{count} not valid.", errors=faults))

    async def http_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        headers = dict(error.headers) if error.headers else {}
        if allowed := _allowed(request, headers):
            headers["Allow"] = ", ".join(allowed)
        return render(request, of_http(error), headers)

    app.add_exception_handler(ApiError, api_error)
    app.add_exception_handler(RequestValidationError, validation_error)
    app.add_exception_handler(HTTPException, http_error)
