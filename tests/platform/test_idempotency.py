"""`Idempotency-Key`: stored with its effect or not at all, for one request of one operation."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from pydantic import BaseModel
from starlette.responses import JSONResponse

from app.backends.registry import Backends
from app.parts import create_platform
from app.platform.errors import ApiError
from app.platform.idempotency import created
from app.platform.settings import Settings
from app.platform.work import Platform


class Thing(BaseModel):
    """What is created."""

    number: int


class Maker:
    """Creates things with a number each, or cannot."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.made = 0
        self.broken = False

    async def post(self, scope: str, key: str | None, asked: str = "same") -> JSONResponse:
        """A creating request."""

        async def create() -> tuple[str, Thing]:
            if self.broken:
                raise ApiError("conflict", "Not now.")
            self.made += 1
            await asyncio.sleep(0.1)  # the others come meanwhile
            return f"/things/{self.made}", Thing(number=self.made)

        async with self._platform.work(write=True) as work:
            return await created(work, scope, key, asked, 201, create)


@pytest_asyncio.fixture
async def maker(settings: Settings) -> AsyncIterator[Maker]:
    platform = create_platform(settings, Backends({}))
    await platform.database.migrate()
    yield Maker(platform)
    await platform.database.close()


def told(answer: JSONResponse) -> tuple[Any, ...]:
    replayed = answer.headers.get("Idempotency-Replayed")
    return answer.status_code, answer.headers["Location"], answer.body, replayed


async def test_a_repeat_at_once_or_later_is_one_creation(maker: Maker) -> None:
    """Many requests at once and one after them: made once, and replayed to all others."""
    answers = await asyncio.gather(*(maker.post("a", "key") for _ in range(20)))
    answers.append(await maker.post("a", "key"))
    assert maker.made == 1
    assert {told(answer)[:3] for answer in answers} == {(201, "/things/1", b'{"number":1}')}
    assert [told(answer)[3] for answer in answers].count("true") == 20


async def test_a_key_belongs_to_one_request_of_one_operation(maker: Maker) -> None:
    """Another request with the key is refused; another operation, key, or none is another one."""
    await maker.post("a", "key")
    with pytest.raises(ApiError) as refused:
        await maker.post("a", "key", "other")
    assert refused.value.code == "idempotency_key_reused"
    assert maker.made == 1
    for scope, key in (("b", "key"), ("a", "other key"), ("a", None), ("a", None)):
        assert told(await maker.post(scope, key))[3] is None
    assert maker.made == 5


async def test_a_failure_is_not_remembered(maker: Maker) -> None:
    """A request that failed may be repeated with its key, even with another body."""
    maker.broken = True
    with pytest.raises(ApiError):
        await maker.post("a", "key")
    maker.broken = False
    assert told(await maker.post("a", "key", "corrected"))[3] is None
    assert told(await maker.post("a", "key", "corrected"))[3] == "true"
