"""Quick routes answer to the letter as FastAPI's do, and faster where there is nothing to say."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.routing import APIRoute
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect
from starlette.types import Message

from app.platform import problem_json
from app.platform.errors import ApiError
from app.platform.quick_route import QuickRoute


class Item(BaseModel):
    """A body with one of each kind."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=20)
    score: float = Field(default=0.0, ge=0, le=1)
    count: int | None = None
    kinds: list[str] | None = Field(default=None, max_length=2)


def app_with(route_class: type[APIRoute]) -> FastAPI:
    """An application whose routes are of this class."""
    router = APIRouter(route_class=route_class)

    @router.post("/items")
    async def make(http: Request, body: Item) -> Response:
        if body.name == "refused":
            raise ApiError("not_found", "No.")
        return Response(body.model_dump_json(), 201, {"x-seen": http.url.path})

    app = FastAPI()
    app.router.routes.extend(router.routes)
    problem_json.install(app)
    return app


PLAIN, QUICK = app_with(APIRoute), app_with(QuickRoute)


async def both(
    method: str = "POST", content: bytes | Callable[[], AsyncIterator[bytes]] = b"", kind: str = ""
) -> tuple[httpx.Response, httpx.Response]:
    """What the two answer."""
    answers = []
    for app in (PLAIN, QUICK):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            body = content if isinstance(content, bytes) else content()
            headers = {"content-type": kind} if kind else {}
            answers.append(await client.request(method, "/items", content=body, headers=headers))
    return answers[0], answers[1]


def same(answers: tuple[httpx.Response, httpx.Response]) -> httpx.Response:
    """Either of them, if they are the same."""
    plain, quick = answers
    assert (quick.status_code, quick.content) == (plain.status_code, plain.content)
    assert sorted(quick.headers.multi_items()) == sorted(plain.headers.multi_items())
    return quick


GOOD = b'{"name": "aspirin", "score": 0.5, "kinds": ["a"]}'


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (GOOD, "application/json", 201),
        (GOOD, "Application/JSON; charset=utf-8", 201),
        (GOOD, "application/vnd.x+json", 201),
        (GOOD.decode().encode("utf-16"), "application/json", 201),
        (b'{"name": "a", "name": "b"}', "application/json", 201),
        (b'{"name": "a", "count": "7", "score": "0.5"}', "application/json", 201),
        (GOOD, "", 415),
        (GOOD, "text/plain", 415),
        (b"", "application/json", 422),
        (b"null", "application/json", 422),
        (b"[]", "application/json", 422),
        (b'{"name": ', "application/json", 422),
        (b'{"name": "\\ud800"}', "application/json", 422),
        (b'{"name": "\xff"}', "application/json", 400),
        (b'{"name": "a", "score": NaN}', "application/json", 422),
        (b'{"name": "a", "other": 1}', "application/json", 422),
        (b'{"name": "refused"}', "application/json", 404),
        (b"[" * 100_000, "application/json", 400),
    ],
)
async def test_they_answer_as_fastapi_does(content: bytes, kind: str, status: int) -> None:
    """Whatever comes, and however it is said to be."""
    assert same(await both(content=content, kind=kind)).status_code == status


async def test_a_body_may_come_in_pieces() -> None:
    """It is put together again, also where FastAPI is to see it after all."""

    for whole in (GOOD, b'{"name": ""}'):

        async def pieces(whole: bytes = whole) -> AsyncIterator[bytes]:
            for at in range(0, len(whole), 3):
                yield whole[at : at + 3]

        same(await both(content=pieces, kind="application/json"))


@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS"])
async def test_other_methods_are_refused_alike(method: str) -> None:
    """With the same headers."""
    assert same(await both(method)).status_code == 405


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=25),
    lambda children: st.lists(children, max_size=3),
    max_leaves=5,
)


@given(
    st.dictionaries(
        st.sampled_from(["name", "score", "count", "kinds", "other"]), _JSON, max_size=4
    )
)
async def test_any_object_is_answered_alike(body: dict[str, object]) -> None:
    """In whichever of the two ways it is read."""
    content = json.dumps(body).encode("utf-8", "surrogatepass")
    same(await both(content=content, kind="application/json"))


async def test_what_is_right_goes_past_fastapi() -> None:
    """Which leaves its stacks of things to close with each request that it handles itself."""
    router = APIRouter(route_class=QuickRoute)
    seen: list[bool] = []

    @router.post("/items")
    async def make(http: Request, body: Item) -> Response:
        seen.append("fastapi_inner_astack" in http.scope)
        return Response()

    app = FastAPI()
    app.router.routes.extend(router.routes)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for kind in ("application/json", "application/vnd.x+json"):
            await client.post("/items", content=GOOD, headers={"content-type": kind})
    assert seen == [False, True]


async def test_a_client_that_goes_is_not_answered() -> None:
    """Nor is what it has sent taken for the whole."""
    messages: list[Message] = [
        {"type": "http.request", "body": GOOD, "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        raise AssertionError(message)

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", b"application/json")]}
    route = next(r for r in QUICK.routes if isinstance(r, QuickRoute))
    with pytest.raises(ClientDisconnect):
        await route.handle(scope, receive, send)


async def nothing(http: Request) -> Response:
    """Takes no body."""
    return Response()


async def a_list(http: Request, body: list[int]) -> Response:
    """Takes one that is no object."""
    return Response()


async def alone(body: Item) -> Response:
    """Takes no request."""
    return Response()


async def dependent(
    http: Request, body: Item, other: Annotated[int, Depends(lambda: 1)]
) -> Response:
    """Takes more than both."""
    return Response()


async def asked(http: Request, body: Item, limit: int = 1) -> Response:
    """Takes something of the query."""
    return Response()


@pytest.mark.parametrize("endpoint", [nothing, a_list, alone, dependent, asked])
def test_other_endpoints_are_not_for_it(endpoint: Callable[..., object]) -> None:
    """Said when the program starts."""
    with pytest.raises(TypeError, match=endpoint.__name__):
        APIRouter(route_class=QuickRoute).post("/items")(endpoint)


def test_other_methods_are_not_for_it() -> None:
    """Nor is a put of the same."""

    async def make(http: Request, body: Item) -> Response:
        return Response()

    with pytest.raises(TypeError, match="make"):
        APIRouter(route_class=QuickRoute).put("/items")(make)
