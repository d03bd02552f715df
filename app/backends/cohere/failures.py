"""What the SDK's exceptions mean, and what Cohere says when something has been retired."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import aiohttp
from aiohttp.http_exceptions import ContentEncodingError
from cohere.core.api_error import ApiError
from cohere.core.parse_error import ParsingError

from app.backends.base import BackendError
from app.backends.remote import Failure, RemoteError, seconds_to_wait, understand_httpx

# "model 'command' was removed on September 15, 2025. See ...", "Generate API was removed on ...".
# Nothing else: a refusal may quote a text in which something was removed.
_REMOVED = re.compile(
    r"(?:[Mm]odel '[^']+'|[A-Z][a-z]+ API) was removed\b(?: on ([A-Z][a-z]+ \d+),? (\d{4}))?"
)
_ABOUT_THE_CALLER = (401, 402, 403, 408, 429)
_OF_A_MODEL = re.compile(r"\bmodel\b", re.IGNORECASE)
_OF_THE_LENGTH = re.compile(r"too many tokens|context length", re.IGNORECASE)
_OF_THE_SCHEMA = re.compile(r"response_format|json_schema|\bschema\b", re.IGNORECASE)


class MalformedError(Exception):
    """An answer of success that does not hold what it should."""


@dataclass(frozen=True, slots=True)
class Retirement:
    """Something was retired; `on` is None if the server does not say when."""

    on: date | None


def understand(error: Exception) -> Failure | None:
    """The failure behind an exception of the SDK or of the HTTP client below it."""
    match error:
        case ApiError():
            status = error.status_code
            # The SDK raises this too for a 200 that is no JSON; a redirect is not followed, it
            # would lose the key.
            if status is None or status < 400:
                return Failure(status, kind="malformed")
            headers = error.headers or {}
            return Failure(status, _message(error.body), seconds_to_wait(headers))
        case MalformedError() | ParsingError() | UnicodeDecodeError() | RecursionError():
            return Failure(kind="malformed")
        case TypeError() | AttributeError() if _raised_by_sdk(error):
            return Failure(kind="malformed")  # it builds its models unchecked, and trips
        case aiohttp.ClientPayloadError() if isinstance(error.__cause__, ContentEncodingError):
            return Failure(kind="malformed")
        case aiohttp.SocketTimeoutError():
            return Failure(kind="timeout")
        case aiohttp.ClientError():
            return Failure(kind="connection")
    return understand_httpx(error)


def retirement(error: BackendError) -> Retirement | None:
    """Whether the server has refused because what was asked for is no more."""
    if not isinstance(error, RemoteError) or error.failure.status not in (400, 404, 410):
        return None
    found = _REMOVED.match(error.failure.message)
    if found is None:
        return Retirement(None) if error.failure.status == 410 else None
    if found[1] is None:
        return Retirement(None)
    try:
        return Retirement(datetime.strptime(f"{found[1]} {found[2]}", "%B %d %Y").date())
    except ValueError:
        return Retirement(None)


def is_unknown_model(error: BackendError) -> bool:
    """Whether the server does not know the model; a 404 from a proxy does not speak of one."""
    if not isinstance(error, RemoteError) or error.failure.status != 404:
        return False
    return _OF_A_MODEL.search(error.failure.message) is not None


def is_about_schema(error: BackendError) -> bool:
    """Whether the server refused the way in which JSON was asked for."""
    if not isinstance(error, RemoteError) or error.failure.status not in (400, 422):
        return False
    return _OF_THE_SCHEMA.search(error.failure.message) is not None


def is_too_long(error: BackendError) -> bool:
    """Whether text and answer do not fit into the model's context."""
    if not isinstance(error, RemoteError) or error.failure.status not in (400, 413, 422):
        return False
    return error.failure.status == 413 or _OF_THE_LENGTH.search(error.failure.message) is not None


def is_gone(error: BackendError) -> bool:
    """Whether the thing, or its whole endpoint, is not there (any more).

    What Cohere answers where fine-tuning is retired is not known: any refusal counts that is not of
    the key, nor of the moment.
    """
    status = error.failure.status if isinstance(error, RemoteError) else None
    return status is not None and 400 <= status < 500 and status not in _ABOUT_THE_CALLER


def _raised_by_sdk(error: Exception) -> bool:
    """Whether it is from the SDK's own lines, not from ours."""
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    return where is not None and where.tb_frame.f_globals["__name__"].startswith("cohere.")


def _message(body: object) -> str:
    """What the server said; a page of a proxy counts as nothing."""
    message = body.get("message") if isinstance(body, Mapping) else None
    return message if isinstance(message, str) else ""
