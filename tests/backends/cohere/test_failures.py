"""What the SDK's exceptions mean, and how a retirement is told from another refusal."""

from datetime import date

import aiohttp
import httpx
import pytest
from cohere.core.api_error import ApiError
from cohere.errors import BadRequestError, NotFoundError, TooManyRequestsError

from app.backends.base import BackendError
from app.backends.cohere.failures import (
    MalformedError,
    Retirement,
    is_about_schema,
    is_gone,
    is_too_long,
    is_unknown_model,
    retirement,
    understand,
)
from app.backends.remote import Failure, RemoteError


def refused(status: int, message: str) -> BackendError:
    return RemoteError("cohere", Failure(status, message))


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (BadRequestError(body={"message": "no"}), Failure(400, "no")),
        (ApiError(status_code=402, body={"message": "billing"}), Failure(402, "billing")),
        (
            TooManyRequestsError(body={"message": "slow"}, headers={"retry-after": "3"}),
            Failure(429, "slow", 3),
        ),
        (ApiError(status_code=502, body="<html>a page</html>"), Failure(502)),
        (NotFoundError(body={"message": {"not": "text"}}), Failure(404)),
        (NotFoundError(body=None), Failure(404)),
        (ApiError(status_code=200, body="<html>"), Failure(200, kind="malformed")),
        (ApiError(status_code=308, body=""), Failure(308, kind="malformed")),
        (MalformedError(), Failure(kind="malformed")),
        (RecursionError(), Failure(kind="malformed")),
        (httpx.ConnectTimeout("refused"), Failure(kind="connection")),
        (httpx.ReadTimeout("late"), Failure(kind="timeout")),
        (aiohttp.SocketTimeoutError(), Failure(kind="timeout")),
        (aiohttp.ServerDisconnectedError(), Failure(kind="connection")),
        (aiohttp.ClientError(), Failure(kind="connection")),
        (TypeError("of ours"), None),
        (KeyError("of ours"), None),
    ],
)
def test_exceptions(error: Exception, failure: Failure | None) -> None:
    assert understand(error) == failure


@pytest.mark.parametrize(
    ("message", "on"),
    [
        (
            "model 'command' was removed on September 15, 2025. See "
            "https://docs.cohere.com/docs/models#command for a list of models you can use instead.",
            date(2025, 9, 15),
        ),
        (
            "Generate API was removed on September 15 2025. Please migrate to Chat API.",
            date(2025, 9, 15),
        ),
        ("model 'x' was removed on Foobar 31, 2025", None),
        ("model 'x' was removed on February 31, 2025", None),
        ("model 'x' was removed.", None),
    ],
)
def test_retirements(message: str, on: date | None) -> None:
    assert retirement(refused(404, message)) == Retirement(on)


def test_gone_is_retired() -> None:
    assert retirement(refused(410, "")) == Retirement(None)


@pytest.mark.parametrize(
    "error",
    [
        refused(404, "model 'x' not found"),
        refused(500, "the cache was removed on May 1, 2025"),
        refused(400, "invalid request: 'Her spleen was removed on May 1, 2025' is not JSON"),
        refused(400, "Her spleen was removed on May 1, 2025"),
        BackendError("backend_failed", "was removed on May 1, 2025"),
    ],
)
def test_other_errors_are_no_retirement(error: BackendError) -> None:
    assert retirement(error) is None


def test_a_missing_page_is_no_missing_model() -> None:
    assert is_unknown_model(refused(404, "Model 'x' not found, make sure ..."))
    assert not is_unknown_model(refused(404, ""))
    assert not is_unknown_model(refused(400, "model: must be given"))


def test_refusals_of_the_schema() -> None:
    said = "invalid request: response_format validation: invalid 'json_schema' provided"
    assert is_about_schema(refused(400, said))
    assert is_about_schema(refused(422, "unknown field 'schema'"))
    assert not is_about_schema(refused(400, "too many tokens"))
    assert not is_about_schema(refused(500, said))


@pytest.mark.parametrize(
    ("error", "too_long"),
    [
        (refused(400, "too many tokens: size limit exceeded by 1502 tokens. Try ..."), True),
        (refused(400, "total number of tokens exceeds the context length"), True),
        (refused(413, ""), True),
        (refused(400, "invalid request: model must be given"), False),
        (refused(429, "too many tokens in a minute"), False),
    ],
)
def test_what_does_not_fit(error: BackendError, too_long: bool) -> None:
    assert is_too_long(error) is too_long


@pytest.mark.parametrize(
    ("status", "offers"), [(404, False), (405, False), (401, True), (429, True), (503, True)]
)
def test_what_is_not_offered(status: int, offers: bool) -> None:
    assert is_gone(refused(status, "")) is not offers
