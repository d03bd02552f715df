"""Which models a Cohere server has, on a clock of the tests' own and over real HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date

import pytest

from app.backends.cohere.catalogue import Catalogue
from app.backends.cohere.client import CohereClient
from app.platform.remote_settings import RemoteServer
from app.prompts.tasks import Task
from tests.backends.cohere.conftest import KEY
from tests.stand_ins.cohere import Fault, Model, StandIn

MODELS = r"/v1/models$"
TUNING = r"/v1/finetuning"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def client(server: StandIn) -> AsyncIterator[CohereClient]:
    where = RemoteServer.model_validate({"base_url": server.url, "api_key": KEY})
    client = CohereClient("cohere", where, timeout=10, attempts=1)
    yield client
    await client.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def catalogue(client: CohereClient, clock: Clock) -> AsyncIterator[Catalogue]:
    catalogue = Catalogue(client, fresh_for=300, patience=10, again_after=15, clock=clock)
    yield catalogue
    await catalogue.close()


async def names(catalogue: Catalogue) -> list[str]:
    return [model.name for model in await catalogue.models()]


async def settled(server: StandIn, path: str, requests: int) -> None:
    """Wait until a refresh in the background has come so far."""
    for _ in range(500):
        if len(server.asked("GET", path)) >= requests:
            await asyncio.sleep(0.02)
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{path} was not asked for {requests} times")


async def test_chat_models_are_listed(catalogue: Catalogue, server: StandIn) -> None:
    server.state.models.append(Model("a-tune-ft", finetuned=True))
    models = {model.name: model for model in await catalogue.models()}
    assert list(models) == [
        "command-a-03-2025",
        "command-a-reasoning-08-2025",
        "command-r-08-2024",
        "command-r7b-12-2024",
        "command-light-nightly",
    ]
    one = models["command-a-03-2025"]
    assert (one.tasks, one.can_extract, one.can_tune) == (frozenset(Task), True, True)
    assert "256,000 tokens" in one.description
    assert "Deprecated" in models["command-light-nightly"].description
    assert "endpoint=chat" in server.asked("GET", MODELS)[0].query


async def test_all_pages_are_read(catalogue: Catalogue, server: StandIn) -> None:
    server.state.largest_page = 2
    assert len(await catalogue.models()) == 5
    assert len(server.asked("GET", MODELS)) == 3


async def test_pages_that_go_round_come_to_an_end(catalogue: Catalogue, server: StandIn) -> None:
    page = {"models": [{"name": "a", "endpoints": ["chat"]}], "next_page_token": "again"}
    server.faults.add(MODELS, Fault.answer(json.dumps(page).encode()), times=9)
    assert await names(catalogue) == ["a"]
    assert len(server.asked("GET", MODELS)) == 2


async def test_what_cannot_be_read_is_left_out(catalogue: Catalogue, server: StandIn) -> None:
    odd = [None, {}, {"name": 7}, {"name": ""}, {"name": "ok", "features": "x"}, {"name": "k"}]
    server.faults.add(MODELS, Fault.answer(json.dumps({"models": odd}).encode()))
    assert await names(catalogue) == ["ok", "k"]


@pytest.mark.parametrize("fault", [Fault.answer(b"{}"), Fault.html(200), Fault.answer(b"[]")])
async def test_an_answer_that_is_none_leaves_the_list(
    catalogue: Catalogue, server: StandIn, clock: Clock, fault: Fault
) -> None:
    before = await names(catalogue)
    clock.now += 301
    server.faults.add(MODELS, fault)
    await names(catalogue)
    await settled(server, MODELS, 2)
    assert await names(catalogue) == before


async def test_a_doubt_while_it_is_asked_for_is_not_lost(
    catalogue: Catalogue, server: StandIn, clock: Clock
) -> None:
    """What is on its way may be from before the reason to doubt it."""
    await catalogue.models()
    clock.now += 301
    server.faults.add(MODELS, Fault.slow(0.05))
    await catalogue.models()
    catalogue.doubt()
    await settled(server, MODELS, 2)
    async with asyncio.timeout(30):
        while len(server.asked("GET", MODELS)) < 3:
            await catalogue.models()
            await asyncio.sleep(0.01)


async def test_a_list_that_is_known_does_not_wait_for_the_rest(
    catalogue: Catalogue, server: StandIn, clock: Clock
) -> None:
    server.faults.add(TUNING, Fault.error(503))
    before = await names(catalogue)
    clock.now += 16
    server.faults.add(TUNING, Fault.slow(30))
    async with asyncio.timeout(20):
        assert await names(catalogue) == before


async def test_a_fresh_list_is_not_asked_for(catalogue: Catalogue, server: StandIn) -> None:
    await catalogue.models()
    await catalogue.models()
    assert len(server.asked("GET", MODELS)) == 1


async def test_an_old_list_is_given_while_the_new_one_is_fetched(
    catalogue: Catalogue, server: StandIn, clock: Clock
) -> None:
    before = await names(catalogue)
    server.state.models.append(Model("command-b-01-2027"))
    server.faults.add(MODELS, Fault.slow(0.1))
    clock.now += 301
    assert await names(catalogue) == before
    assert await names(catalogue) == before
    async with asyncio.timeout(30):
        while await names(catalogue) == before:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert await names(catalogue) == [*before, "command-b-01-2027"]
    assert len(server.asked("GET", MODELS)) == 2


async def test_a_dead_server_does_not_take_the_list_away_and_is_asked_again_later(
    catalogue: Catalogue, server: StandIn, clock: Clock
) -> None:
    before = await names(catalogue)
    server.faults.add(MODELS, Fault.error(503))
    clock.now += 301
    await names(catalogue)
    await settled(server, MODELS, 2)
    for _ in range(5):
        assert await names(catalogue) == before
    await asyncio.sleep(0.05)  # as long as a request would take that must not be made
    assert len(server.asked("GET", MODELS)) == 2
    clock.now += 16
    await names(catalogue)
    await settled(server, MODELS, 3)


async def test_a_server_that_does_not_answer_is_waited_for_once(
    client: CohereClient, server: StandIn, clock: Clock
) -> None:
    """The first caller waits; those who come when that time is over do not."""
    server.faults.add(MODELS, Fault.slow(30))
    catalogue = Catalogue(client, patience=1.0, clock=clock)
    assert await catalogue.models() == []
    clock.now += 1.0
    async with asyncio.timeout(25):  # half of what it would take if each of them waited
        for _ in range(50):
            assert await catalogue.models() == []
    await catalogue.close()


@pytest.mark.parametrize(
    ("features", "takes"),
    [(["json_mode", "json_schema"], True), (["json_mode"], False), ([], False)],
)
async def test_who_takes_a_schema(
    catalogue: Catalogue, server: StandIn, features: list[str], takes: bool
) -> None:
    server.state.models.append(Model("m", features=features))
    assert await catalogue.takes_schema("m") is takes
    assert not await catalogue.takes_schema("unheard of")


async def test_no_tuning_where_the_server_offers_none(
    catalogue: Catalogue, server: StandIn
) -> None:
    server.state.fine_tuning_offered = False
    assert not any(model.can_tune for model in await catalogue.models())


async def test_a_moment_of_trouble_does_not_end_the_offer(
    catalogue: Catalogue, server: StandIn, clock: Clock
) -> None:
    assert all(model.can_tune for model in await catalogue.models())
    server.faults.add(TUNING, Fault.error(503))
    clock.now += 301
    await catalogue.models()
    await settled(server, TUNING, 2)
    assert all(model.can_tune for model in await catalogue.models())


async def test_a_retired_model_stays_listed_as_such(
    catalogue: Catalogue, server: StandIn, clock: Clock
) -> None:
    await catalogue.models()
    catalogue.retire("command-r-08-2024", date(2026, 1, 2))
    catalogue.retire("never listed", date(2026, 1, 2))
    server.state.models[:] = [m for m in server.state.models if m.name != "command-r-08-2024"]
    catalogue.doubt()
    await catalogue.models()
    await settled(server, TUNING, 2)
    retired = [model for model in await catalogue.models() if model.retired_on]
    assert [(m.name, m.can_extract, m.can_tune, m.retired_on) for m in retired] == [
        ("command-r-08-2024", False, False, date(2026, 1, 2))
    ]
    assert retired[0].replaced_by == "command-a-03-2025"


async def test_what_is_told_of_a_model_later_is_listed(catalogue: Catalogue) -> None:
    """The list is put together once, and anew whenever something of it has changed."""
    assert await catalogue.models() is await catalogue.models()
    for day in (date(2026, 1, 2), date(2026, 2, 3)):
        catalogue.retire("command-r-08-2024", day)
        assert [m.retired_on for m in await catalogue.models() if m.retired_on] == [day]


async def test_the_closest_name_replaces_a_retired_model(
    catalogue: Catalogue, server: StandIn
) -> None:
    await catalogue.models()
    assert catalogue.replacement("command") == "command-a-03-2025"
    assert catalogue.replacement("command-a-reasoning-01-2025") == "command-a-reasoning-08-2025"
    assert catalogue.replacement("command-r-plus") == "command-r-08-2024"
    assert catalogue.replacement("c0ffee-ft") == "command-a-03-2025"
