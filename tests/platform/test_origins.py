"""Another site's page changes nothing here, by whatever call; programs are not asked."""

import pytest
from starlette.types import Scope

from app.platform.origins import refusal_of_origin


def scope(method: str, **headers: str) -> Scope:
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": method, "headers": sent}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec_fetch_site": "same-origin", "origin": "https://elsewhere.example"},
        {"sec_fetch_site": "none"},
        {"origin": "http://127.0.0.1:8000", "host": "127.0.0.1:8000"},
    ],
)
def test_programs_and_pages_of_ours_may(headers: dict[str, str]) -> None:
    """What says nothing is a program; the newer header is believed before the older one."""
    assert refusal_of_origin(scope("POST", **headers)) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site", "origin": "http://a.example", "host": "a.example"},
        {"origin": "http://elsewhere.example", "host": "127.0.0.1:8000"},
        {"origin": "http://127.0.0.1:9000", "host": "127.0.0.1:8000"},
        {"origin": "null", "host": "127.0.0.1:8000"},
        {"origin": "http://[", "host": "127.0.0.1:8000"},
        {"origin": "http://127.0.0.1:8000"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_pages_of_others_may_not(method: str, headers: dict[str, str]) -> None:
    """Whatever they do; to read is harmless, for they are not told what."""
    refusal = refusal_of_origin(scope(method, **headers))
    assert refusal is not None
    assert refusal.code == "forbidden_origin"
    assert refusal_of_origin(scope("GET", **headers)) is None
